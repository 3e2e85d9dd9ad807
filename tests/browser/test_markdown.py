"""Replies in Markdown, in a real browser: what is shown while they are written, and what is done with hostile ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.patience import SECOND
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program

REPLY = """# Packing

A **short list** with `snake_case_name` and 4*5=20, a [guide](https://example.com/a) and https://example.com/b today:

1. passports
2. a *light* jacket
   - for the evening

| Day | Plan |
|:----|-----:|
| Mon | Alfama |

```python
if 1 < 2:
    print("**no**")
```

רשימה קצרה

- דרכון
"""

WATCH = """() => {
    // Every form that the reply ever had, once per frame: the tags of its blocks, and its letters.
    const response = document.querySelector("[data-testid=response]");
    window.forms = [];
    const look = () => {
        const root = response.querySelector(".vp-text");
        const tags = [...root?.querySelectorAll("*") ?? []].map((element) => element.localName).join(" ");
        if (window.forms.at(-1)?.[0] !== tags) window.forms.push([tags, response.innerText.trim()]);
        requestAnimationFrame(look);
    };
    look();
}"""


class Author:
    """Writes replies when it is told to."""

    def __init__(self) -> None:
        self.wire: Wire
        self.connected = asyncio.Event()
        self._count = 0

    async def script(self, wire: Wire) -> None:
        await wire.configure()
        self.wire = wire
        self.connected.set()
        await wire.until_closed()

    async def write(self, *deltas: str, pause: float = 0.0, goes_on: bool = False, done: bool = True) -> None:
        """Write a reply, or go on with the last one."""
        await self.connected.wait()
        self._count += not goes_on
        names = {"response_id": f"r{self._count}", "item_id": f"a{self._count}"}
        if not goes_on:
            await self.wire.say("response.created", response={"id": names["response_id"]})
        for delta in deltas:
            await self.wire.say("response.output_text.delta", delta=delta, **names)
            await asyncio.sleep(pause)
        if done:
            await self.wire.say("response.done", response={"id": names["response_id"], "status": "completed"})


def pieces(text: str, size: int = 4) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@asynccontextmanager
async def reader(folder: Path, open_browser: OpenBrowser) -> AsyncIterator[tuple[Author, Talk]]:
    author = Author()
    async with ScriptedServer(author.script).running() as server:
        async with (
            program(folder=folder, OPENAI_BASE_URL=server.url.partition("/realtime")[0]) as app,
            open_browser() as browser,
        ):
            context = await browser.new_context(
                permissions=["microphone", "clipboard-read", "clipboard-write"], reduced_motion="reduce"
            )
            talk = await open_talk(context, app.url)
            await talk.page.evaluate("import('reply_blocks')")
            await talk.start()
            yield author, talk


async def test_markdown_is_formatted_while_it_is_written_and_copied_as_it_was_written(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with reader(tmp_path, open_browser) as (author, talk):
        page, response = talk.page, talk.response
        await page.evaluate(WATCH)
        await author.write(*pieces(REPLY), pause=0.01)
        await talk.is_in("listening")
        await expect(response.locator("h3")).to_have_text("Packing")
        await expect(response.locator("strong")).to_have_text("short list")
        await expect(response.locator("p > code")).to_have_text("snake_case_name")
        await expect(response).to_contain_text("4*5=20")
        await expect(response.locator("ol > li")).to_have_count(2)
        await expect(response.locator("ol > li > ul > li")).to_have_text("for the evening")
        await expect(response.locator("td").last).to_have_css("text-align", "right")
        await expect(response.locator("pre code")).to_have_text('if 1 < 2:\n    print("**no**")')
        await expect(response.locator("figure")).to_have_attribute("data-language", "python")
        links = response.locator("a")
        assert [await link.get_attribute("href") for link in await links.all()] == [
            "https://example.com/a",
            "https://example.com/b",
        ]
        for link in await links.all():
            assert await link.get_attribute("target") == "_blank"
            assert "noopener" in (await link.get_attribute("rel") or "")
        assert await response.locator(":text('דרכון')").last.evaluate("e => getComputedStyle(e).direction") == "rtl"
        assert await response.locator("h3").evaluate("e => getComputedStyle(e).direction") == "ltr"

        gaps = await response.locator("[data-markdown] > :not(:first-child)").evaluate_all(
            "all => all.map(e => [e, e.previousElementSibling].map(e => e.getBoundingClientRect()))"
            ".map(([below, above]) => below.top - above.bottom)"
        )
        assert gaps and min(gaps) > 5, "blocks do not touch"

        # Nothing took a form and gave it up again: each element, once there, stays.
        forms: list[tuple[str, str]] = await page.evaluate("window.forms")
        assert len(forms) > 8
        for (before, _), (after, text) in zip(forms, forms[1:], strict=False):
            assert after.split()[: len(before.split())] == before.split(), (before, after, text)
        assert not [text for _, text in forms if "**short" in text or "```" in text or "|--" in text]

        # What of a spoken reply was not heard yet is counted in the source, and grey on the page.
        unheard = "text => { const { reply } = document.querySelector('[data-testid=response] .vp-text');"
        unheard += " reply.mark(reply.source.indexOf(text)); return reply.range.toString(); }"
        for word in ("list** with", "light* jacket", "print(", "קצרה"):
            assert (await page.evaluate(unheard, word)).startswith(word.replace("*", "")), word
        await page.evaluate("document.querySelector('[data-testid=response] .vp-text').reply.mark(null)")

        await page.get_by_role("button", name="Copy this code").click()
        assert await page.evaluate("navigator.clipboard.readText()") == 'if 1 < 2:\n    print("**no**")'
        await page.get_by_role("button", name="Copy this reply").last.click()
        assert await page.evaluate("navigator.clipboard.readText()") == REPLY
        await author.write("The *next* one.")
        await expect(talk.history.locator("h3")).to_have_text("Packing")
        await page.get_by_role("button", name="Copy this reply").first.click()
        assert await page.evaluate("navigator.clipboard.readText()") == REPLY
        assert talk.complaints == []


async def test_plain_text_shows_the_marks_and_is_remembered(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with reader(tmp_path, open_browser) as (author, talk):
        await author.write("One **bold** word.")
        await author.write("Two ", "**bol", done=False)
        await expect(talk.response.locator("strong")).to_have_text("bol")
        await talk.open_settings()
        await talk.page.get_by_role("switch", name="Plain text").click()
        await talk.close_settings()
        await expect(talk.response).to_have_text("Two **bol")
        await expect(talk.history).to_contain_text("One **bold** word.")
        await talk.page.reload()
        await expect(talk.history).to_contain_text("One **bold** word.")
        await talk.open_settings()
        await talk.page.get_by_role("switch", name="Plain text").click()
        await talk.close_settings()
        await expect(talk.history).to_contain_text("One bold word.")


HOSTILE = {
    "a script": "<script>document.title='owned'</script> <img src=x onerror=\"document.title='owned'\">",
    "links": "[a](javascript:document.title='owned') [b](data:text/html,x) <javascript:x> [c](  vbscript:x) [d](/e)",
    "an image": "![see](https://example.com/pixel.png)",
    "nested quotes": "> " * 10_000 + "end of quotes",
    "a million marks": "a " + "*" * 1_000_000 + " b",
    "brackets": "[" * 50_000 + "](x",
    "nested lists": "\n".join(" " * (2 * level) + "- x" for level in range(300)),
    "a wide table": "|a" * 5_000 + "|\n" + "|-" * 5_000 + "|\n" + "|b" * 5_000 + "|",
    "open code": "```\n" + "`x\n" * 20_000,
}


async def test_hostile_markdown_is_text_quickly(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with reader(tmp_path, open_browser) as (author, talk):
        page = talk.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for number, (name, text) in enumerate(HOSTILE.items()):
            await page.evaluate(
                """() => {
                    window.longest = 0;
                    window.watching?.disconnect();
                    window.watching = new PerformanceObserver((list) => {
                        const durations = list.getEntries().map(({ duration }) => duration);
                        window.longest = Math.max(window.longest, ...durations);
                    });
                    window.watching.observe({ type: "longtask" });
                }"""
            )
            await author.write(*pieces(text, max(4, len(text) // 50)), f"\n\nend {number}", pause=0.005)
            await expect(talk.response if number < 4 else talk.page.locator("body")).to_contain_text(
                f"end {number}" if len(text) < 200_000 else "a *"
            )
            await talk.is_in("listening")
            longest = await page.evaluate("window.longest")
            assert longest < 1_500 * SECOND, (name, longest)
            assert await talk.response.locator("script, img, iframe, style").count() == 0, name
            for href in await talk.response.locator("a[href]").evaluate_all("all => all.map(a => a.href)"):
                assert href.startswith(("https://", "http://", "mailto:")), name
        assert await page.title() == "Listening – Voice UI"
        assert not [url for url in asked if "example.com" in url]
        assert talk.complaints == []
