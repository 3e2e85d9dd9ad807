"""What can be chosen on the page, tried by hand: push to talk, typing, devices, language, and reading in peace."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path

from playwright.async_api import expect
from websockets.exceptions import ConnectionClosed

from tests.browser.conftest import OpenBrowser, OpenProgram
from tests.browser.page import Talk, open_talk
from tests.browser.test_composer import type_instead
from tests.patience import until
from tests.protocol.scripted import ScriptedServer, Wire
from tests.running import program


def base_url(server: ScriptedServer) -> str:
    return server.url.partition("/realtime")[0]


def sound(server: ScriptedServer) -> int:
    """How many chunks have arrived."""
    return sum(event["type"] == "input_audio_buffer.append" for event in server.wires[0].received)


async def test_held_down_the_space_key_or_the_button_is_a_turn_and_the_release_its_end(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async def manual(wire: Wire) -> None:
        await wire.configure()
        assert wire.received[0]["session"]["audio"]["input"]["turn_detection"] is None
        for number in range(2):
            await wire.hear("input_audio_buffer.commit")
            await wire.say("input_audio_buffer.committed", item_id=f"u{number}", previous_item_id=None)
            await wire.hear("response.create")
            await wire.reply(f"Reply {number}.", response=f"r{number}", item=f"a{number}")
        await wire.until_closed()

    async with ScriptedServer(manual).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.choose("Push to talk")
            await talk.start()
            await talk.is_in("listening")
            await talk.hears_something()
            assert sound(server) == 0, "nothing leaves before somebody holds the key"
            await talk.page.keyboard.down("Space")
            await talk.is_in("hearing")
            await until(lambda: sound(server) > 15)
            await talk.page.keyboard.up("Space")
            await expect(talk.response).to_have_text("Reply 0.")
            await expect(talk.latency).to_have_attribute("data-ms", re.compile(r"\d+"))
            await talk.is_in("listening")
            before = sound(server)
            await talk.page.get_by_role("button", name="Hold to talk").hover()
            await talk.page.mouse.down()
            await talk.is_in("hearing")
            await until(lambda: sound(server) > before + 15)
            await talk.page.mouse.up()
            await expect(talk.response).to_have_text("Reply 1.")


async def test_escape_cuts_a_reply_short(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async def endless(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="a story", end_ms=0)
        await wire.say("response.created", response={"id": "r1"})
        await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta="Once upon a time")
        await wire.hear("response.cancel")
        details = {"type": "cancelled", "reason": "client_cancelled"}
        await wire.say("response.done", response={"id": "r1", "status": "cancelled", "status_details": details})
        await wire.until_closed()

    async with ScriptedServer(endless).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("Once upon a time")
            await type_instead(talk)
            await talk.page.get_by_role("textbox", name="Message").press("Escape")
            await talk.is_in("listening")
            await expect(talk.error).to_be_hidden()


async def test_speaking_cuts_a_reply_short(open_program: OpenProgram, open_browser: OpenBrowser) -> None:
    """With the practice server: the long story is interrupted by the recording."""
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.type("tell me a long story")
        await talk.is_in("answering")
        await talk.start()  # the recording begins with the microphone, and the story is longer than both take
        await expect(talk.history).to_contain_text("tell me a long story")  # somebody has spoken since
        await expect(talk.response).to_contain_text("12")


async def test_what_is_typed_is_answered_with_the_microphone_closed(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.type("what is seven times eight?")
        await expect(talk.heard).to_have_text("what is seven times eight?")
        await expect(talk.response).to_contain_text("56")
        await talk.is_in("idle")
        await talk.type("what is two plus two")
        await expect(talk.response).to_contain_text("4")
        await expect(talk.history).to_contain_text("56")


async def test_choices_reach_the_running_session_and_are_remembered(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        with suppress(ConnectionClosed):
            while update := await wire.hear("session.update"):
                await wire.say("session.updated", session=update["session"])

    async with ScriptedServer(listens, listens).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            context = await browser.new_context(permissions=["microphone"])
            talk = await open_talk(context, app.url)
            await talk.start()
            await talk.is_in("listening")
            await talk.open_settings()
            languages = talk.page.get_by_role("combobox", name="Languages you speak")
            await languages.click()
            await talk.page.get_by_role("option", name="Deutsch").click()
            await expect(talk.page.get_by_text("Applied to the running session.")).to_be_visible()
            await expect(languages).to_be_focused()  # it takes the focus back from the option
            await languages.press("Tab")
            await expect(talk.page.get_by_role("option")).to_have_count(0)
            await talk.page.get_by_label("Names and jargon").fill("Voice UI, Ada Lovelace")
            await talk.page.get_by_role("button", name="Headset", exact=True).click()
            await talk.page.get_by_role("button", name="Never", exact=True).click()
            await expect(talk.page.get_by_test_id("writer")).to_contain_text("gpt-live-transcribe")
            await talk.page.get_by_label("Instructions").fill("Answer in rhymes.")
            await talk.page.keyboard.press("Escape")
            await until(lambda: "rhymes" in str(server.wires[0].received), what="what Escape leaves is chosen, too")
            await talk.open_settings()
            await talk.page.get_by_role("button", name="A+", exact=True).click()
            await until(lambda: len(server.wires[0].received) >= 3 and "rhymes" in str(server.wires[0].received))
            again = await open_talk(context, app.url)
            await again.start()
            await again.is_in("listening")
            session = server.wires[1].received[0]["session"]
            heard = session["audio"]["input"]
            assert heard["transcription"]["language"] == "de"
            assert heard["transcription"]["keywords"] == ["Voice UI", "Ada Lovelace"]
            assert heard["noise_reduction"] == {"type": "near_field"}
            assert heard["turn_detection"]["interrupt_response"] is False
            assert session["instructions"] == "Answer in rhymes."
            await expect(again.page.locator(".vp-transcript")).to_have_attribute("data-text-size", "large")


async def test_another_microphone_is_used_from_the_moment_it_is_chosen(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.start()
        await talk.is_in("listening", "hearing")
        await talk.open_settings()
        in_use = talk.page.get_by_test_id("mic-in-use")
        await expect(in_use).to_contain_text("In use: Fake Default")
        await talk.page.get_by_role("combobox", name="Microphone").click()
        offered = talk.page.get_by_role("option", name="Fake Audio Input").first
        other = await offered.inner_text()
        await offered.click()
        await expect(in_use).to_have_text(f"In use: {other}")
        await talk.close_settings()
        await talk.is_in("listening", "hearing", "thinking", "answering")
        # A device that comes or goes is offered or taken back at once.
        await talk.page.evaluate(
            """() => {
                navigator.mediaDevices.enumerateDevices = async () => [
                    {kind: "audioinput", deviceId: "new", label: "A new headset"}];
                navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
            }"""
        )
        await talk.open_settings()
        await talk.page.get_by_role("combobox", name="Microphone").click()
        await expect(talk.page.get_by_role("option", name="A new headset")).to_be_visible()


async def test_another_speaker_is_used_from_the_moment_it_is_chosen(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        talk = await open_talk(browser, app.url)
        await talk.page.evaluate(
            """() => {
                const ask = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
                navigator.mediaDevices.enumerateDevices = async () => [
                    ...await ask(), {kind: "audiooutput", deviceId: "phones", label: "Headphones"}];
                AudioContext.prototype.setSinkId = async (id) => { window.chosen = id; };
            }"""
        )
        await talk.open_settings()
        speakers = talk.page.get_by_role("combobox", name="Speaker")
        await expect(speakers).to_be_hidden()  # nothing is played
        await talk.close_settings()
        await talk.page.get_by_test_id("voice").click()
        await talk.open_settings()
        await speakers.click()
        await talk.page.get_by_role("option", name="Headphones").click()
        await talk.page.wait_for_function("window.chosen === 'phones'")


async def test_muted_nothing_is_sent_and_unmuted_it_is_again(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async def listens(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(listens).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await talk.is_in("listening")
            await until(lambda: sound(server) > 10)
            mute = talk.page.get_by_role("button", name="Mute")
            await mute.click()
            await expect(mute).to_have_attribute("aria-pressed", "true")
            await expect(talk.status).to_have_text("Muted – unmute to speak")
            await until(
                lambda: server.wires[0].received[-1].get("audio", "x").strip("A=") == "", what="silence ends a turn"
            )
            count = sound(server)
            await talk.hears_something()
            assert sound(server) == count
            await mute.click()
            await expect(talk.status).to_have_text("Listening – speak now")
            # While the page has no connection, too: what is said then would be sent later.
            await talk.page.evaluate("window.socket.disconnect()")
            for pressed in ("true", "false"):
                await mute.click()
                await expect(mute).to_have_attribute("aria-pressed", pressed)
            await talk.page.evaluate("window.socket.connect()")
            await until(lambda: sound(server) > count + 10)
            # Where there is no button to unmute, a hold is heard.
            await mute.click()
            await expect(talk.status).to_have_text("Muted – unmute to speak")
            await talk.choose("Push to talk")
            await expect(talk.status).to_have_text("Hold the button and speak")
            count = sound(server)
            await talk.page.keyboard.down("Space")
            await until(lambda: sound(server) > count + 10)
            await talk.page.keyboard.up("Space")


async def test_the_text_stays_where_it_is_for_a_reader_who_scrolled_up(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    go_on = asyncio.Event()

    async def grows(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech(item="u1", transcript="a story", end_ms=0)
        await wire.say("response.created", response={"id": "r1"})
        for number in range(800):
            if number == 400:
                await go_on.wait()
            await wire.say("response.output_text.delta", response_id="r1", item_id="a1", delta=f"line {number}\n")
        await wire.until_closed()

    async with ScriptedServer(grows).running() as server:
        async with program(folder=tmp_path, OPENAI_BASE_URL=base_url(server)) as app, open_browser() as browser:
            talk = await open_talk(browser, app.url)
            await talk.start()
            await expect(talk.response).to_contain_text("line 399")
            conversation = talk.page.locator(".vp-conversation")
            assert await conversation.evaluate("c => Math.abs(c.scrollTop) < 2"), "the end is followed"
            await conversation.evaluate("c => c.scrollBy(0, -2000)")
            # Where on the screen a piece of text in the middle is.
            place = """() => {
                window.piece ??= document.elementFromPoint(innerWidth / 2, innerHeight / 2);
                return [window.piece.className, Math.round(window.piece.getBoundingClientRect().top)];
            }"""
            before = await talk.page.evaluate(place)
            go_on.set()
            await expect(talk.response).to_contain_text("line 799")
            assert await talk.page.evaluate(place) == before
            await talk.page.get_by_role("button", name="Newest").click()
            await expect(talk.page.get_by_text("line 799")).to_be_in_viewport()
            await expect(talk.page.get_by_role("button", name="Newest")).to_be_hidden()


async def test_a_reply_can_be_copied_and_the_conversation_downloaded(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone", "clipboard-read", "clipboard-write"])
        talk = await open_talk(context, app.url)
        await talk.type("what is seven times eight")
        await expect(talk.response).to_contain_text("56")
        await talk.is_in("idle")
        await talk.page.get_by_role("button", name="Copy this reply").last.click()
        copied = await talk.page.evaluate("navigator.clipboard.readText()")
        assert copied == (await talk.response.inner_text()).strip()
        await talk.open_settings()
        async with talk.page.expect_download() as waiting:
            await talk.page.get_by_role("button", name="Download").click()
        download = await waiting.value
        assert re.fullmatch(r"conversation-[\dT-]+\.md", download.suggested_filename)
        assert (
            await asyncio.to_thread((await download.path()).read_text, "utf-8")
            == f"**You:** what is seven times eight\n\n**Model:** {copied}\n"
        )


async def test_what_the_browser_remembers_counts_on_a_busy_machine_too(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    remembered = {"typing": True, "turn_detection": "none", "half_duplex": True}
    async with open_program() as app, open_browser() as browser:
        page = await browser.new_page()
        await page.add_init_script(f"localStorage['voice-ui-choices'] ??= {json.dumps(json.dumps(remembered))};")
        await page.add_init_script(
            """const waiting = setInterval(() => {
                if (!window.socket?.connected) return;
                clearInterval(waiting);
                const end = performance.now() + 1500;
                while (performance.now() < end);
            }, 1);"""
        )
        talk = await Talk(page).open(app.url)
        await page.get_by_test_id("voice").click()
        await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
        await expect(page.get_by_test_id("voice")).to_have_attribute("aria-checked", "true")
        stored = "JSON.parse(localStorage['voice-ui-choices'])"
        await page.wait_for_function(f"{stored}.output === 'audio'")
        assert await page.evaluate(stored) == remembered | {"output": "audio"}
        assert not talk.complaints


async def test_two_tabs_choose_and_neither_forgets_what_the_other_chose(
    open_program: OpenProgram, open_browser: OpenBrowser
) -> None:
    stored = "JSON.parse(localStorage['voice-ui-choices'] ?? '{}')"
    async with open_program() as app, open_browser() as browser:
        context = await browser.new_context(permissions=["microphone"])
        await context.add_init_script("localStorage['voice-ui-choices'] ??= JSON.stringify({device: 'unplugged'});")
        first, second = await open_talk(context, app.url), await open_talk(context, app.url)
        await type_instead(first)
        await second.choose("A+")
        await second.page.wait_for_function(f"{stored}.text_size === 'large'")
        everything = {"device": "unplugged", "typing": True, "text_size": "large"}
        assert await first.page.evaluate(stored) == everything, "a microphone that is not there is remembered, too"
        await second.choose("A")
        await second.page.wait_for_function(f"!('text_size' in {stored})")
        assert await first.page.evaluate(stored) == {"device": "unplugged", "typing": True}
