"""Takes pictures of the real page in its states: `python -m tests.screenshots FOLDER`; the README's go to assets/."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

from tests.browser.conftest import FLAGS, PLACES
from tests.browser.inspector import Panel
from tests.browser.page import Talk
from tests.browser.test_examples import running
from tests.browser.test_markdown import Author, pieces
from tests.protocol.scripted import ScriptedServer
from tests.running import ROOT, Program, free_port, program
from voice_ui.offline import server as practice

SIZES = {"1440": (1440, 900), "360": (360, 740)}
LONG = {"1440": (1440, 1900), "360": (360, 2300)}
"""High enough for the whole of `FORMATTED`."""
FORMATTED = """# Three days in Lisbon

The city is built on **seven hills**, so plan *short* distances and take `tram 28` early. The tourist \
office keeps a [map of viewpoints](https://example.com/viewpoints), and the timetable is at https://example.com/trams.

## What to pack

1. Shoes with a good grip
   - not new ones
   - also for the **evening**
     - the pavement is polished limestone
2. A light jacket
3. A bottle: every square has a fountain

> “Whoever has not seen Lisbon has not seen anything.”
>
> – a proverb of uncertain age

## Day by day

| Day | Morning | Afternoon | Cost |
|:----|:--------|:---------:|-----:|
| Mon | Alfama and the castle | Tram 28 | €18.50 |
| Tue | Belém: tower and monastery | ~~Museum~~ closed | €24.00 |
| Wed | Train to Sintra | Pena palace | €31.20 |

### Adding it up

```python
def total(days: dict[str, float], people: int = 1) -> float:
    # The fares are in euros, and change in spring.
    return sum(days.values()) * people


print(f"{total({'Mon': 18.5, 'Tue': 24.0, 'Wed': 31.2}, people=2):.2f} €")  # 147.40 €
```

רשימה קצרה של מה שכדאי **לזכור**:

- דרכון ו־`boarding pass`
- כרטיס לחשמלית מספר 28

#### بالعربية

استمتع بالرحلة، ولا تنسَ زيارة [القلعة](https://example.com/castle) قبل الغروب.

---

Enjoy it!
"""

README = {"answering-1440-light", "error-360-dark", "settings-360-light", "inspector-1440-light"}


async def picture(talk: Talk, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    await talk.page.screenshot(path=path)
    if name in README:
        shutil.copy(path, ROOT / "assets" / path.name)


async def states(browser: Browser, url: str, folder: Path, size: str, scheme: str) -> None:
    """One visit, from the first look to an error."""
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = await browser.new_context(viewport=viewport, color_scheme=scheme, permissions=["microphone"])
    talk = await Talk(await context.new_page()).open(url)
    suffix = f"{size}-{scheme}"
    await picture(talk, folder, f"idle-{suffix}")
    await talk.start()
    await talk.is_in("hearing")
    await picture(talk, folder, f"hearing-{suffix}")
    await expect(talk.history).to_contain_text("12")
    await expect(talk.response).to_contain_text("It is")
    await expect(talk.page.get_by_test_id("percentiles")).to_contain_text("2 turns")
    await picture(talk, folder, f"answering-{suffix}")
    await talk.open_settings()
    await picture(talk, folder, f"settings-{suffix}")
    await talk.close_settings()
    await inspector(talk, folder, suffix)
    await talk.choose("Push to talk")
    await expect(talk.page.get_by_text("Applied to the running session.")).to_be_hidden()
    await picture(talk, folder, f"push-to-talk-{suffix}")
    await talk.stop()
    await talk.is_in("idle")
    refuse = "async () => { throw new DOMException('Permission denied', 'NotAllowedError'); }"
    await talk.page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse}; }}")
    await talk.start()
    await talk.shows_error("mic-refused")
    await picture(talk, folder, f"error-{suffix}")
    await context.close()


async def inspector(talk: Talk, folder: Path, suffix: str) -> None:
    """Listening, a question in writing, and one of the events in full."""
    panel = await Panel(talk.page).open()
    await expect(panel.row("input_audio_buffer.append")).to_have_count(1)
    await talk.type("What is two plus two?")
    await expect(talk.response).to_contain_text("4")
    await talk.is_in("listening")
    await panel.row("response.output_text.done").locator("summary").click()
    await talk.page.mouse.move(0, 0)
    await picture(talk, folder, f"inspector-{suffix}")
    await panel.press("Hide inspector")


async def sharing(browser: Browser, app: Program, folder: Path, size: str, scheme: str) -> None:
    """What the owner of a shared demo sees, and somebody without the code."""
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = await browser.new_context(
        viewport=viewport, color_scheme=scheme, permissions=["microphone"], ignore_https_errors=True
    )
    link = re.findall(r"https://\S+", app.log)[0]
    stranger = await context.new_page()
    await stranger.goto(link.partition("?")[0])
    await stranger.screenshot(path=folder / f"join-{size}-{scheme}.png")
    guest = await Talk(await context.new_page()).open(link)
    await guest.start()
    owner = await Talk(await context.new_page()).open(app.url)
    await owner.page.get_by_test_id("share-button").click()
    await expect(owner.page.get_by_test_id("visitors")).to_contain_text("talking")
    await owner.page.screenshot(path=folder / f"share-{size}-{scheme}.png", animations="disabled")
    await context.close()


async def host(browser: Browser, url: str, folder: Path, size: str, scheme: str) -> None:
    """A panel in somebody else's page."""
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = await browser.new_context(viewport=viewport, color_scheme=scheme, permissions=["microphone"])
    page = await context.new_page()
    await page.goto(url)
    line = page.get_by_role("textbox", name="Message")
    await line.fill("what is seven plus five")
    await line.press("Enter")
    await expect(page.get_by_test_id("response")).to_contain_text("12")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_test_id("status")).to_have_attribute("data-state", "hearing")
    await page.screenshot(path=folder / f"host-{size}-{scheme}.png")
    await context.close()


async def formatted(browser: Browser, folder: Path, size: str, scheme: str) -> None:
    """A long reply in Markdown, half written and whole."""
    width, height = LONG[size]
    author = Author()
    with tempfile.TemporaryDirectory() as empty:
        async with (
            ScriptedServer(author.script).running() as server,
            program(folder=Path(empty), OPENAI_BASE_URL=server.url.partition("/realtime")[0]) as app,
        ):
            context = await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, permissions=["microphone"]
            )
            talk = await Talk(await context.new_page()).open(app.url)
            await talk.start()
            half = FORMATTED.index("'Wed': 31.2")
            await author.write(*pieces(FORMATTED[:half], 12), pause=0.01, done=False)
            await expect(talk.response.locator("pre")).to_contain_text("'Tue'")
            await picture(talk, folder, f"formatted-growing-{size}-{scheme}")
            await author.write(FORMATTED[half:], goes_on=True)
            await expect(talk.response).to_contain_text("Enjoy it!")
            await talk.is_in("listening")
            await picture(talk, folder, f"formatted-whole-{size}-{scheme}")
            await context.close()


async def main(folder: Path) -> None:
    chrome = next(path for place in PLACES if (path := shutil.which(place)))
    recording = f"--use-file-for-fake-audio-capture={ROOT / 'assets' / 'two_turns.wav'}%noloop"
    port = free_port()
    with tempfile.TemporaryDirectory() as empty:
        environ = {"XDG_STATE_HOME": empty}
        async with (
            async_playwright() as playwright,
            program(folder=Path(empty)) as app,
            program("--share", folder=Path(empty), **environ) as shared,
            practice.serve() as server,
            running(
                "-m", "tests.browser.host", f"{port}", server.url.removesuffix("/realtime"), port=port, folder=ROOT
            ) as elsewhere,
        ):
            for size in SIZES:
                for scheme in ("light", "dark"):
                    browser = await playwright.chromium.launch(
                        executable_path=chrome, args=[*FLAGS, "--no-sandbox", recording]
                    )
                    await states(browser, app.url, folder, size, scheme)
                    await sharing(browser, shared, folder, size, scheme)
                    await host(browser, elsewhere, folder, size, scheme)
                    await formatted(browser, folder, size, scheme)
                    await browser.close()


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "report")
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target))
