"""A conversation outlives its process: the page hands it in, signed, and the next process goes on with it."""

from __future__ import annotations

import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import open_talk
from tests.browser.test_life import base_url, talks_for_ever
from tests.patience import until
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import Program, free_port, program

ASSISTANTS = [("user", "my name is Ada"), ("assistant", "Hello Ada.")]


async def one_turn(wire: Wire) -> None:
    await wire.configure()
    await wire.heard_speech(item="u1", transcript="my name is Ada", end_ms=0)
    await wire.reply("Hello ", "Ada.", item="a1")
    await wire.until_closed()


async def goes_on(wire: Wire) -> None:
    await wire.configure()
    await wire.hear("input_audio_buffer.append")
    await wire.heard_speech(item="u2", transcript="what is my name", end_ms=0)
    await wire.reply("Ada, of course.", item="a2", response="r2")
    await wire.until_closed()


def said_before(wire: Wire) -> list[tuple[str, str]]:
    """Return what the next connection was given of the conversation, without the note to go on with it."""
    return [line for line in wire.lines if line[0] != "system"]


async def killed(app: Program) -> None:
    """Kill a program that cannot say goodbye."""
    app.process.kill()
    await app.process.wait()


class Twice:
    """The program on one port, twice, and a page that is open all the time."""

    def __init__(self, folder: Path, server: ScriptedServer, **environ: str) -> None:
        self.port = free_port()
        self._folder, self._environ = folder, {"OPENAI_BASE_URL": base_url(server), **environ}

    def run(self, **environ: str) -> Any:
        (self._folder / "state").mkdir(exist_ok=True)
        given = {"XDG_STATE_HOME": str(self._folder / "state"), **self._environ, **environ}
        return program(folder=self._folder, port=self.port, **given)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_talk_goes_on_in_the_next_process(how: signal.Signals, tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(one_turn, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(twice.run())
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_have_text("Hello Ada.")
            if how == signal.SIGKILL:
                await killed(app)
                stack.pop_all()  # its end is not an orderly one
            else:
                app.process.send_signal(how)
                await until(lambda: app.process.returncode is not None, 15)
        async with twice.run():
            await talk.shows_error("conversation-kept")  # the microphone was open
            await expect(talk.response).to_have_text("Hello Ada.")
            await expect(talk.heard).to_have_text("my name is Ada")
            await talk.start()
            await expect(talk.response).to_have_text("Ada, of course.")
            await expect(talk.history).to_contain_text("Hello Ada.")
            assert said_before(server.wires[1]) == ASSISTANTS, "the model knows what was said"
            await expect(talk.error).to_be_hidden()


async def test_a_reply_that_was_cut_off_stays_on_the_page_and_is_not_given_to_the_model(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with ScriptedServer(talks_for_ever, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(twice.run())
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("word5 ")
            await killed(app)
            stack.pop_all()
        shown = await talk.response.inner_text()
        async with twice.run():
            await talk.shows_error("conversation-kept")
            await expect(talk.response).to_have_text(shown.strip())
            await expect(talk.page.get_by_text("connection lost", exact=True)).to_be_visible()
            await talk.start()
            await expect(talk.response).to_have_text("Ada, of course.")
            assert said_before(server.wires[1]) == [("user", "tell me a long story")]


async def speaks_on(wire: Wire) -> None:
    await wire.configure()
    await wire.hear("input_audio_buffer.append")
    await wire.say("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    await wire.until_closed()


async def test_words_that_were_lost_with_the_process_are_reported_in_seconds(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with ScriptedServer(speaks_on, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(twice.run())
            talk = await open_talk(browser, app.url)
            await talk.start()
            await talk.is_in("hearing")
            await talk.page.wait_for_timeout(1500)
            await killed(app)
            stack.pop_all()
        async with twice.run():
            await talk.shows_error("conversation-kept")
            await expect(talk.error).to_contain_text("s of speech were not answered")


FORGE = {
    "forged": "panel.kept.set('a1', panel.kept.get('a1').replace('Hello', 'Howdy'))",
    "shortened": "panel.kept.delete('a1')",
    "made up": "panel.kept.set('x', JSON.stringify({id: 'x', role: 'assistant', turn: 1, parts: ['made up'], "
    "status: 'completed'}))",
    "signed by nobody": "panel.signature = '0'.repeat(64)",
    "another tab's": 'panel.head = panel.head.replace(/"tab": "\\w/, \'"tab": "_\')',
}


@pytest.mark.parametrize("how", [*FORGE, "another secret"])
async def test_what_nobody_vouches_for_is_shown_and_not_given_to_the_model(
    how: str, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with ScriptedServer(one_turn, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with twice.run(VOICE_UI_SECRET="the-first-of-two-secrets") as app:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_have_text("Hello Ada.")
            await talk.stop()
            await talk.is_in("idle")
        panel = "const panel = getElement(+document.querySelector('.voice-panel').id.slice(1));"
        assert await talk.page.evaluate(f"() => {{ {panel} return panel.kept.size; }}") == 2
        await talk.page.evaluate(f"() => {{ {panel} {FORGE.get(how, '')} }}")
        secret = "the-second-of-two-secrets" if how == "another secret" else "the-first-of-two-secrets"
        async with twice.run(VOICE_UI_SECRET=secret):
            await talk.shows_error("conversation-unverified")
            await expect(talk.page.locator(".vp-transcript")).to_contain_text("my name is Ada")
            await talk.start()
            await expect(talk.response).to_have_text("Ada, of course.")
            assert said_before(server.wires[1]) == []


async def test_a_tool_call_and_its_output_are_known_after_a_restart(tmp_path: Path, open_browser: OpenBrowser) -> None:
    (tmp_path / "tools.py").write_text(
        "from voice_ui import tool\n\n\n@tool\ndef weather(town: str) -> str:\n"
        '    """Return the weather."""\n    return f"sunny in {town}"\n',
        encoding="utf-8",
    )

    async def calls(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="what is the weather", end_ms=0)
        await wire.say("response.created", response={"id": "r1"})
        call = {"id": "c1", "type": "function_call", "call_id": "call_1", "name": "weather"}
        done = {**call, "arguments": json.dumps({"town": "Bonn"}), "status": "completed"}
        await wire.say("response.output_item.done", response_id="r1", output_index=0, item=done)
        await wire.say("response.done", response={"id": "r1", "status": "completed", "output": [done]})
        await wire.hear("response.create")
        await wire.reply("It is sunny.", item="a1", response="r2")
        await wire.until_closed()

    async with ScriptedServer(calls, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server, VOICE_UI_TOOLS="tools.py")
        async with twice.run() as app:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("It is sunny.")
            await talk.stop()
            await talk.is_in("idle")
            await talk.page.evaluate("window.isOld = true")
        async with twice.run():
            await talk.page.wait_for_function("!window.isOld")
            await expect(talk.page.get_by_test_id("tool")).to_have_attribute("data-status", "done")
            await expect(talk.error).to_be_hidden()
            await talk.start()
            await expect(talk.response).to_have_text("Ada, of course.")
            given = [event["item"] for event in server.wires[1].of_type("conversation.item.create")]
            assert [item["type"] for item in given] == [
                "message", "function_call", "function_call_output", "message", "message"
            ]  # fmt: skip
            assert given[2]["output"] == "sunny in Bonn"


async def test_what_is_handed_in_twice_changes_nothing(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with ScriptedServer(one_turn, goes_on).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with twice.run() as app:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_have_text("Hello Ada.")
            panel = "getElement(+document.querySelector('.voice-panel').id.slice(1))"
            handed_in = await talk.page.evaluate(f"async () => [await {panel}.handIn(), await {panel}.handIn()]")
            assert handed_in == [True, True]
            await talk.page.reload()
            await expect(talk.response).to_have_text("Hello Ada.")
            await expect(talk.page.locator("[data-speaker=Model]")).to_have_count(1)
            await talk.is_in("idle")
            await talk.start()
            await expect(talk.response).to_have_text("Ada, of course.")
            assert said_before(server.wires[1]) == ASSISTANTS


async def test_what_was_typed_while_the_program_was_away_is_asked_of_the_next_one(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async def answers(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.reply("Ada, of course.", item="a2", response="r2")
        await wire.until_closed()

    async with ScriptedServer(one_turn, answers).running() as server, open_browser() as browser:
        twice = Twice(tmp_path, server)
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(twice.run())
            talk = await open_talk(browser, app.url)
            await talk.open_settings()
            await talk.page.get_by_role("switch", name="Type instead of speaking").click()
            await talk.close_settings()
            await talk.start()
            await expect(talk.response).to_have_text("Hello Ada.")
            await killed(app)
            stack.pop_all()
        await talk.type("what is my name")
        line = talk.page.get_by_role("textbox", name="Message")
        await line.fill("and a draft")
        async with twice.run():
            await expect(talk.response).to_have_text("Ada, of course.")
            await expect(talk.heard).to_have_text("what is my name")
            await expect(line).to_have_value("and a draft")
            assert said_before(server.wires[1]) == [*ASSISTANTS, ("user", "what is my name")]
