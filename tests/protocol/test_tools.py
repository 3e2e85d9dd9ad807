"""Tools: what a model calls is run, its outputs go back, and whatever goes wrong costs the call and not the session."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from tests.nothing_left import nothing_left
from tests.patience import SECOND, until
from tests.protocol.calling import begin_calls, call, calls_of, function_call, outputs, outputs_of, until_asked
from tests.protocol.reader import BY_HAND, CONFIG, Reader, session_with
from tests.protocol.speaking import keep_quiet, say
from tests.servers.scripted import ScriptedServer
from tests.servers.wire import Wire
from tests.virtual_time import in_virtual_time
from voice_ui.conversation import FunctionCall
from voice_ui.session import Phase, RealtimeSession
from voice_ui.session.calls import APPROVAL_SECONDS, CANCELLED, NOT_APPROVED, REFUSED
from voice_ui.session.running import LONGEST_RESULT
from voice_ui.session.tools import MOST_ROUNDS
from voice_ui.tools import ToolContext, tool


def calls(reader: Reader) -> list[FunctionCall]:
    """Return the calls that stand on the page."""
    return [item for item in reader.items.values() if isinstance(item, FunctionCall)]


def shown(reader: Reader) -> list[tuple[str, str, str]]:
    """Return name, status and result of the calls that stand on the page."""
    return [(call.name, call.status, call.result) for call in calls(reader)]


@tool
async def weather(town: str, days: int = 1) -> dict[str, Any]:
    """Return the weather of a town."""
    return {"town": town, "days": days, "sky": "clear"}


@tool
async def slow(seconds: float = 8) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return f"slept {seconds:g}"


@tool(approve=True)
async def order(what: str) -> str:
    """Order something."""
    return f"ordered {what}"


async def rests(session: RealtimeSession, seconds: float = 60) -> None:
    await until(lambda: session.state.at_rest, seconds, what="it comes to rest")


@in_virtual_time
async def test_the_output_goes_back_with_one_wish_for_a_reply() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("weather", {"town": "Aix"}))
        assert await outputs(wire) == ['{"town":"Aix","days":1,"sky":"clear"}']
        await wire.reply("It is clear.", response="resp_2")
        await wire.until_closed()
        assert wire.types.count("response.create") == 2

    async with ScriptedServer(script).running() as server, session_with(server, tools=[weather]) as (session, reader):
        session.send_text("The weather in Aix?")
        await rests(session)
        assert reader.page() == [[("user", "The weather in Aix?"), ("tool", ""), ("assistant", "It is clear.")]]
        (shown_call,) = calls(reader)
        assert (shown_call.status, shown_call.arguments) == ("done", '{"town": "Aix"}')
        assert shown_call.seconds is not None
        assert reader.codes == []
        assert "listening" not in reader.shown[: reader.shown.index("answering")]
        (update,) = server.wires[0].of_type("session.update")
        assert [each["name"] for each in update["session"]["tools"]] == ["weather"]


async def test_a_function_that_is_not_async_runs_in_a_thread_of_its_own() -> None:
    threads = []

    @tool
    def where(context: ToolContext) -> str:
        """Return where it runs."""
        threads.append(threading.current_thread())
        context.on_loop(threads.append, asyncio.current_task)
        return context.call_id

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("where"))
        await wire.hear("response.create")
        assert outputs_of(wire) == ["call_1"]
        await wire.reply("There.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[where]) as (session, reader):
        session.send_text("Where?")
        await rests(session)
        assert threads != [threading.main_thread()]
        assert threads[0].daemon
        assert len(threads) == 2
        assert reader.written("assistant") == ["There."]


@in_virtual_time
async def test_two_calls_run_side_by_side_and_their_outputs_go_back_together() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        began = asyncio.get_running_loop().time()
        both = (
            function_call("slow", {"seconds": 8}),
            function_call("slow", {"seconds": 5}, call_id="call_2", item="item_g"),
        )
        await call(wire, *both)
        assert await outputs(wire, 2) == ["slept 8", "slept 5"]
        assert asyncio.get_running_loop().time() - began < 9
        await wire.reply("Both.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.send_text("Both, please")
        await until(lambda: [each.status for each in calls(reader)] == ["running", "done"])
        assert session.state.phase is Phase.THINKING
        await rests(session)
        assert [each.seconds and round(each.seconds) for each in calls(reader)] == [8, 5]


def _raises(what: str) -> str:
    """Raise."""
    raise ValueError(f"no such thing: {what}")


def _exits() -> None:
    """Exit."""
    raise SystemExit(3)


def _interrupts() -> None:
    """Interrupt."""
    raise KeyboardInterrupt


async def _cancels() -> None:
    """Cancel."""
    raise asyncio.CancelledError


def _stops() -> None:
    """Stop."""
    raise StopIteration


def _loops() -> list[Any]:
    """Return what contains itself."""
    found: list[Any] = []
    found.append(found)
    return found


def _strange() -> object:
    """Return what JSON cannot hold."""
    return object()


def _long() -> str:
    """Return too much."""
    return "x" * 1_000_000


async def _half() -> list[str]:
    """Return half a character."""
    return ["\ud800"]


def _nothing() -> None:
    """Return nothing."""


def _bad_value() -> Any:
    """Return what fails when it is looked at."""

    class Bad:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError("do not look")

    return [Bad()]


@pytest.mark.parametrize(
    ("function", "arguments", "status", "told"),
    [
        (_raises, {"what": "it"}, "failed", "Error: the_tool failed with ValueError: no such thing: it."),
        (_exits, {}, "failed", "Error: the_tool failed with RuntimeError: SystemExit."),
        (_interrupts, {}, "failed", "Error: the_tool failed with RuntimeError: KeyboardInterrupt."),
        (_cancels, {}, "failed", "Error: the_tool was cancelled."),
        (_stops, {}, "failed", "Error: the_tool failed with "),
        (_strange, {}, "failed", "Error: the_tool returned a value of type object, which cannot be written as JSON."),
        (_loops, {}, "failed", "Error: the_tool returned a value of type list, which cannot be written as JSON."),
        (_half, {}, "failed", "Error: the_tool returned a value of type list, which cannot be written as JSON."),
        (_bad_value, {}, "failed", "Error: the_tool "),
        (_long, {}, "done", "xxx"),
        (_nothing, {}, "done", "Done."),
        (_raises, "{", "failed", "Error: the arguments of the_tool do not fit: they are not valid JSON."),
        (_raises, "[1]", "failed", "Error: the arguments of the_tool do not fit: they are not a JSON object."),
        (_raises, {}, "failed", "Error: the arguments of the_tool do not fit: what: Field required."),
        (_raises, {"what": 3}, "failed", "Error: the arguments of the_tool do not fit: what: Input should be a valid "),
        (_raises, "[" * 90_000, "failed", "Error: the arguments of the_tool do not fit: they are not valid JSON."),
        (_raises, {"what": "x" * 200_000}, "failed", "Error: the arguments of the_tool do not fit: they are longer "),
        (None, {}, "failed", "Error: there is no tool of that name; there are: weather."),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model_and_the_session_goes_on(
    function: Callable[..., Any] | None, arguments: Any, status: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "voice_ui")
    tools = [weather, *([tool(name="the_tool")(function)] if function else [])]

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("the_tool", arguments))
        (output,) = await outputs(wire)
        assert output.startswith(told)
        assert len(output) < LONGEST_RESULT + 100
        await wire.reply("I see.", response="resp_2")
        await wire.hear("response.create")
        await wire.reply("Yes.", response="resp_3", item="item_b")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=tools) as (session, reader):
        session.send_text("Do it")
        await until(lambda: reader.written("assistant") == ["I see."])
        assert [(each.status, each.result.startswith(told)) for each in calls(reader)] == [(status, True)]
        session.send_text("Still there?")
        await until(lambda: reader.written("assistant") == ["I see.", "Yes."])
        assert reader.codes == []
    assert "no such thing" not in caplog.text
    assert "xxx" not in caplog.text


@pytest.mark.parametrize("seconds", [8.0, 100.0])
@in_virtual_time
async def test_a_slow_tool_has_its_own_time_and_not_the_replys(seconds: float) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("patient"))
        await until_asked(wire)
        assert outputs_of(wire) == ["at last"]
        await wire.reply("Done.", response="resp_2")
        await wire.until_closed()

    @tool(timeout=120)
    async def patient() -> str:
        """Take long."""
        await asyncio.sleep(seconds)
        return "at last"

    async with ScriptedServer(script).running() as server, session_with(server, tools=[patient]) as (session, reader):
        session.send_text("Take your time")
        await rests(session, 200)
        assert reader.written("assistant") == ["Done."]
        assert reader.codes == []


@in_virtual_time
async def test_without_a_reply_to_the_outputs_the_wait_ends() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("slow"))
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.send_text("Well?")
        await rests(session, 60)
        assert reader.codes == ["response-missing"]


@in_virtual_time
async def test_a_tool_that_takes_too_long_is_given_up_even_if_it_does_not_listen() -> None:
    @tool(timeout=2)
    async def deaf() -> str:
        """Do not stop."""
        for _ in range(3):
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                continue
        return "too late"

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("deaf"))
        assert await outputs(wire) == ["Error: deaf did not finish within 2 seconds."]
        await wire.reply("A pity.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[deaf]) as (session, reader):
        session.send_text("Go")
        await rests(session)
        assert shown(reader) == [("deaf", "failed", "Error: deaf did not finish within 2 seconds.")]
        await asyncio.sleep(300)


async def test_a_thread_that_never_returns_holds_nothing_up() -> None:
    released, seen = threading.Event(), []

    @tool(timeout=0.2)
    def hangs(context: ToolContext) -> None:
        """Hang."""
        released.wait(30)
        seen.append(context.is_cancelled)

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("hangs"))
        assert await outputs(wire) == ["Error: hangs did not finish within 0.2 seconds."]
        await wire.reply("A pity.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[hangs]) as (session, reader):
        session.send_text("Go")
        await rests(session)
        await nothing_left(server, session)
        released.set()
        await until(lambda: seen == [True])


# Cancelled.


async def _stop(session: RealtimeSession) -> None:
    session.stop()


async def _interrupt(session: RealtimeSession) -> None:
    session.interrupt()


async def _close(session: RealtimeSession) -> None:
    await session.close()


async def _abort(session: RealtimeSession) -> None:
    session.abort()


@pytest.mark.parametrize("end", [_stop, _interrupt, _close, _abort])
@in_virtual_time
async def test_stop_interruption_and_a_closed_tab_cancel_what_runs(end: Callable[[RealtimeSession], Any]) -> None:
    ended = []

    @tool
    async def endless() -> None:
        """Run for ever."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech()
        await call(wire, function_call("endless"), function_call("order", {"what": "x"}, call_id="c2", item="item_g"))
        await wire.until_closed()

    async with (
        ScriptedServer(script).running() as server,
        session_with(server, tools=[endless, order]) as (session, reader),
    ):
        session.start()
        await say(session, 1, 2)
        await until(lambda: [each.status for each in calls(reader)] == ["running", "waiting"])
        await keep_quiet(session, 4)  # nothing of what was said is left to be noticed
        before = asyncio.get_running_loop().time()
        await end(session)
        await until(lambda: ended)
        assert ended[0] - before < 0.1
        if end is _interrupt:
            await until(lambda: session.state.phase is Phase.LISTENING)
            session.stop()
        await rests(session)
        wire = server.wires[0]
        if end in {_stop, _interrupt}:
            assert outputs_of(wire) == [CANCELLED, CANCELLED]
        assert "response.create" not in wire.types
        assert shown(reader) == [("endless", "failed", CANCELLED), ("order", "failed", CANCELLED)]


@in_virtual_time
async def test_speech_over_the_reply_that_calls_cancels_the_call() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await wire.begin_reply("One moment.", response="resp_f")
        await begin_calls(wire, function_call("slow"))
        await wire.say("input_audio_buffer.speech_started", item_id="item_u", audio_start_ms=0)
        await wire.end_reply("resp_f", "cancelled", "turn_detected")
        await wire.say("input_audio_buffer.speech_stopped", item_id="item_u", audio_end_ms=100)
        await wire.say("input_audio_buffer.committed", item_id="item_u", previous_item_id=None)
        await wire.reply("Gladly.", response="resp_2", item="item_b")
        await wire.until_closed()
        assert outputs_of(wire) == [CANCELLED]
        assert wire.types.count("response.create") == 1

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.start()
        session.send_text("Go")
        await until(lambda: "Gladly." in reader.written("assistant"))
        session.stop()
        await rests(session)
        assert shown(reader) == [("slow", "failed", CANCELLED)]


# Talk meanwhile.


@in_virtual_time
async def test_while_a_slow_tool_runs_the_person_goes_on_talking() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("item_u1", "the slow one")
        await call(wire, function_call("slow", {"seconds": 3}))
        await asyncio.sleep(1)
        await wire.heard_speech("item_u2", "and hello", start_ms=1000, end_ms=1500)
        await wire.begin_reply("Hello", response="resp_2", item="item_b")
        await asyncio.sleep(4)  # the tool is done
        assert outputs_of(wire) == []
        await wire.end_reply("resp_2")
        assert await outputs(wire) == ["slept 3"]
        await wire.reply("It slept.", response="resp_3", item="item_c")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.start()
        await keep_quiet(session, 10)
        assert reader.page() == [
            [("user", "the slow one"), ("tool", ""), ("assistant", "It slept.")],
            [("user", "and hello"), ("assistant", "Hello")],
        ]
        shown_states = [state for state, _ in groupby(reader.shown)]
        assert shown_states == ["connecting", "listening", "hearing", "thinking", "hearing", "thinking", "answering",
                                "thinking", "answering", "listening"]  # fmt: skip


@pytest.mark.parametrize("barge_in", [True, False])
@in_virtual_time
async def test_outputs_wait_until_nobody_speaks(barge_in: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.heard_speech("item_u1", "the slow one")
        await call(wire, function_call("slow", {"seconds": 3}))
        if barge_in:
            await wire.begin_reply("By the way", response="resp_x", item="item_x")
            await asyncio.sleep(3.5)
        else:
            await asyncio.sleep(2.5)
        await wire.say("input_audio_buffer.speech_started", item_id="item_u2", audio_start_ms=2500)
        if barge_in:
            await wire.end_reply("resp_x", "cancelled", "turn_detected")
        await asyncio.sleep(2)
        assert outputs_of(wire) == []
        await wire.say("input_audio_buffer.speech_stopped", item_id="item_u2", audio_end_ms=4500)
        await wire.say("input_audio_buffer.committed", item_id="item_u2", previous_item_id=None)
        await wire.reply("Hello", response="resp_2", item="item_b")
        assert await outputs(wire) == ["slept 3"]
        await wire.reply("It slept.", response="resp_3", item="item_c")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.start()
        await keep_quiet(session, 12)
        assert reader.written("assistant")[-1] == "It slept." or "It slept." in reader.written("assistant")
        assert reader.codes == []


@in_virtual_time
async def test_by_hand_one_reply_answers_what_was_said_and_what_tools_returned() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="item_u1", previous_item_id=None)
        await wire.hear("response.create")
        await call(wire, function_call("slow", {"seconds": 2}))
        await wire.hear("input_audio_buffer.commit")
        await wire.say("input_audio_buffer.committed", item_id="item_u2", previous_item_id="item_u1")
        assert await outputs(wire) == ["slept 2"]
        await wire.reply("It slept, and hello.", response="resp_2")
        await wire.until_closed()
        assert wire.types.count("response.create") == 2

    async with (
        ScriptedServer(script).running() as server,
        session_with(server, BY_HAND, tools=[slow]) as (session, reader),
    ):
        session.start()
        session.begin_turn()
        await say(session, 1)
        session.end_turn()
        await until(lambda: calls(reader))
        session.begin_turn()
        await say(session, *range(15))  # three seconds: the tool is done meanwhile
        session.end_turn()
        await until(lambda: reader.written("assistant"))
        assert [item.turn for item in reader.items.values() if item.role == "assistant"] == [2]


@in_virtual_time
async def test_a_typed_line_does_not_cancel_a_slow_tool() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("slow", {"seconds": 3}))
        await wire.hear("response.create")
        await wire.reply("Hello", response="resp_2", item="item_b")
        assert await outputs(wire) == ["slept 3"]
        await wire.reply("It slept.", response="resp_3", item="item_c")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.send_text("Slow one")
        await until(lambda: calls(reader))
        session.send_text("Hello")
        await rests(session)
        assert reader.page() == [
            [("user", "Slow one"), ("tool", ""), ("assistant", "It slept.")],
            [("user", "Hello"), ("assistant", "Hello")],
        ]


# A connection is lost.


@pytest.mark.parametrize("cut", ["before-done", "while-running", "before-the-reply", "in-the-reply"])
@in_virtual_time
async def test_the_next_connection_is_given_calls_and_outputs(cut: str) -> None:
    runs = []

    @tool
    async def counted() -> str:
        """Count."""
        runs.append(1)
        await asyncio.sleep(2)
        return "counted"

    async def first(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await (begin_calls if cut == "before-done" else call)(wire, function_call("counted"))
        if cut in {"before-done", "while-running"}:
            await asyncio.sleep(0.5)
        else:
            await outputs(wire)
        if cut == "in-the-reply":
            await wire.begin_reply("It cou", response="resp_2")
        wire.abort()

    async def second(wire: Wire) -> None:
        await wire.configure()
        assert await outputs(wire) == ["counted"]
        await wire.reply("It counted.", response="resp_1", item="item_n")
        await wire.hear("response.create")
        await wire.reply("Yes.", response="resp_2", item="item_o")
        wire.abort()

    async def third(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with (
        ScriptedServer(first, second, third).running() as server,
        session_with(server, tools=[counted]) as (session, reader),
    ):
        session.start()
        session.send_text("Count")
        await until(lambda: reader.written("assistant")[-1:] == ["It counted."], 30)
        assert calls_of(server.wires[1]) == [("call_1", "counted")]
        session.send_text("Again?")
        await until(lambda: len(server.wires) == 3 and len(server.wires[2].lines) == 5, 30)
        assert calls_of(server.wires[2]) == [("call_1", "counted")]
        kinds = [event["item"]["type"] for event in server.wires[2].of_type("conversation.item.create")]
        assert kinds == ["message", "function_call", "function_call_output", *["message"] * 4], "the last is our note"
        assert runs == [1]
        shown = [("user", "Count"), ("tool", ""), ("assistant", "It counted.")]
        if cut == "in-the-reply":  # what came of the first reply stays, and the second has a turn of its own
            shown.insert(2, ("assistant", "It cou"))
        assert [item for turn in reader.page() for item in turn][: len(shown)] == shown
        session.stop()
        await rests(session)


@in_virtual_time
async def test_a_tool_that_is_done_in_an_outage_is_answered_after_it() -> None:
    async def first(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("slow", {"seconds": 3}))
        await asyncio.sleep(0.2)
        server.refuse_from_now_on()

    async def second(wire: Wire) -> None:
        await wire.configure()
        assert await outputs(wire) == ["slept 3"]
        await wire.reply("It slept.", response="resp_1")
        await wire.until_closed()

    async with (
        ScriptedServer(first, second).running() as server,
        session_with(server, tools=[slow]) as (session, reader),
    ):
        session.send_text("Go")
        await until(lambda: shown(reader) == [("slow", "done", "slept 3")])
        assert session.state.phase is Phase.RECONNECTING
        await asyncio.sleep(5)
        server.welcome_again()
        await rests(session)
        assert reader.written("assistant") == ["It slept."]


@in_virtual_time
async def test_stop_in_an_outage_cancels_what_runs_and_leaves_nothing() -> None:
    async def first(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("slow", {"seconds": 20}))
        await asyncio.sleep(0.2)
        server.refuse_from_now_on()

    async with ScriptedServer(first).running() as server, session_with(server, tools=[slow]) as (session, reader):
        session.start()
        session.send_text("Go")
        await until(lambda: session.state.phase is Phase.RECONNECTING)
        session.stop()
        await rests(session, 30)
        assert shown(reader) == [("slow", "failed", CANCELLED)]


# Approval.


@pytest.mark.parametrize("answer", ["approve", "refuse", "nothing"])
@in_virtual_time
async def test_a_call_waits_for_approval(answer: str) -> None:
    told = {"approve": "ordered tea", "refuse": REFUSED, "nothing": NOT_APPROVED}[answer]

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("order", {"what": "tea"}))
        await until_asked(wire)
        assert outputs_of(wire) == [told]
        await wire.reply("So be it.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[order]) as (session, reader):
        session.send_text("Tea")
        await until(lambda: shown(reader) == [("order", "waiting", "")])
        assert session.state.phase is Phase.THINKING
        await asyncio.sleep(APPROVAL_SECONDS / 2)
        session.approve("call_of_another")
        if answer != "nothing":
            getattr(session, answer)("call_1")
        await rests(session, 2 * APPROVAL_SECONDS)
        status = {"approve": "done", "refuse": "refused", "nothing": "refused"}[answer]
        assert shown(reader) == [("order", status, told)]
        session.approve("call_1")  # too late
        assert reader.codes == []


@in_virtual_time
async def test_nobody_is_asked_to_approve_arguments_that_do_not_fit() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("order", {"who": "tea"}))
        (output,) = await outputs(wire)
        assert "what: Field required" in output
        await wire.reply("Hm.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[order]) as (session, reader):
        session.send_text("Tea")
        await rests(session)
        assert [status for _, status, _ in shown(reader)] == ["failed"]


# Servers that leave something out, and models that go on for ever.


@pytest.mark.parametrize("only", ["output_item.done", "response.done", "arguments.done", "twice", "no response.done"])
@in_virtual_time
async def test_a_call_is_found_however_it_is_announced_and_runs_once(only: str) -> None:
    runs = []

    @tool
    async def counted() -> str:
        """Count."""
        runs.append(1)
        return "1"

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        item = function_call("counted")
        if only in {"twice", "no response.done"}:
            await begin_calls(wire, item)
        else:
            await wire.say("response.created", response={"id": "resp_f", "status": "in_progress"})
        if only in {"output_item.done", "twice"}:
            await wire.say("response.output_item.done", response_id="resp_f", output_index=0, item=item)
        if only == "arguments.done":
            call_fields = {"item_id": "item_f", "call_id": "call_1", "name": "counted", "arguments": "{}"}
            await wire.say("response.function_call_arguments.done", response_id="resp_f", **call_fields)
        if only != "no response.done":
            await wire.end_reply("resp_f", output=[item] if only in {"response.done", "twice"} else [])
        await until_asked(wire)
        assert outputs_of(wire) == ["1"]
        await wire.reply("One.", response="resp_2")
        await wire.until_closed()

    # One that says nothing of the end of a response may be asked for another while it runs.
    running = ScriptedServer(script).running(strict=only != "no response.done")
    async with running as server, session_with(server, tools=[counted]) as (session, reader):
        session.send_text("Count")
        await rests(session)
        assert runs == [1]
        assert reader.written("assistant") == ["One."]
        assert reader.codes == (["response-missing"] if only == "no response.done" else [])


@in_virtual_time
async def test_a_response_that_fails_after_its_call_is_not_asked_for_again() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await begin_calls(wire, function_call("weather", {"town": "Aix"}))
        await wire.end_reply("resp_f", "failed")
        await wire.until_closed()
        assert outputs_of(wire) == ['{"town":"Aix","days":1,"sky":"clear"}']
        assert wire.types.count("response.create") == 1

    async with ScriptedServer(script).running() as server, session_with(server, tools=[weather]) as (session, reader):
        session.send_text("Go")
        await rests(session)
        assert reader.codes == ["response-failed"]


@in_virtual_time
async def test_a_model_that_calls_for_ever_is_not_asked_for_ever() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        for number in range(MOST_ROUNDS + 1):
            await wire.hear("response.create")
            item = function_call("weather", {"town": "Aix"}, call_id=f"call_{number}", item=f"item_{number}")
            await call(wire, item, response=f"resp_{number}")
        await wire.until_closed()
        assert len(outputs_of(wire)) == MOST_ROUNDS + 1

    async with ScriptedServer(script).running() as server, session_with(server, tools=[weather]) as (session, _):
        session.send_text("Go")
        await rests(session)
        assert server.wires[0].types.count("response.create") == MOST_ROUNDS + 1


@in_virtual_time
async def test_a_session_without_tools_says_so_to_a_model_that_calls() -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("weather", {"town": "Aix"}))
        assert await outputs(wire) == ["Error: there is no tool of that name; there are: none."]
        await wire.reply("Sorry.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server) as (session, reader):
        session.send_text("Go")
        await rests(session)
        (update,) = server.wires[0].of_type("session.update")
        assert "tools" not in update["session"]
        assert reader.written("assistant") == ["Sorry."]


# Hosted tools.

REQUEST = {
    "id": "mcpr_1", "type": "mcp_approval_request", "server_label": "docs", "name": "find", "arguments": "{}",
}  # fmt: skip
APPROVED = {**REQUEST, "id": "mcp_1", "type": "mcp_call", "approval_request_id": "mcpr_1", "output": "found"}
HOSTED = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp", "require_approval": "always"}


@pytest.mark.parametrize("answer", ["approve", "refuse"])
@in_virtual_time
async def test_a_hosted_tool_is_passed_through_and_its_approval_is_asked_for(answer: str) -> None:

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, REQUEST)
        created = await wire.hear("conversation.item.create")
        item = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": answer == "approve"}
        assert created["item"].items() >= item.items()
        if answer == "approve":
            await wire.say("conversation.item.done", previous_item_id=None, item=APPROVED)
            await wire.say("response.output_item.done", response_id="resp_f", output_index=1, item=APPROVED)
        await wire.hear("response.create")
        await wire.reply("So be it.", response="resp_2")
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[HOSTED]) as (session, reader):
        session.send_text("Find it")
        await until(lambda: shown(reader) == [("find", "waiting", "")])
        getattr(session, answer)("mcpr_1")
        await rests(session)
        assert [each.server_label for each in calls(reader)] == ["docs"]
        assert shown(reader) == [("find", "done", "found") if answer == "approve" else ("find", "refused", REFUSED)]
        (update,) = server.wires[0].of_type("session.update")
        assert update["session"]["tools"] == [HOSTED]


@pytest.mark.parametrize("approved", [True, False])
@in_virtual_time
async def test_after_escape_a_hosted_call_is_refused_or_its_result_is_not_answered(approved: bool) -> None:
    interrupted = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, REQUEST)
        created = await wire.hear("conversation.item.create")
        assert created["item"]["type"] == "mcp_approval_response"
        assert created["item"]["approve"] is approved
        if approved:
            await interrupted.wait()
            await wire.say("response.output_item.done", response_id="resp_f", output_index=1, item=APPROVED)
        await wire.until_closed()

    async with ScriptedServer(script).running() as server, session_with(server, tools=[HOSTED]) as (session, reader):
        session.start()
        session.send_text("Find it")
        await until(lambda: shown(reader) == [("find", "waiting", "")])
        if approved:
            session.approve("mcpr_1")
            await until(lambda: shown(reader) == [("find", "running", "")])
        session.interrupt()
        interrupted.set()
        await until(lambda: session.state.phase is Phase.LISTENING)
        await keep_quiet(session, 3)
        assert len(server.wires[0].of_type("response.create")) == 1
        assert session.state.phase is Phase.LISTENING


@pytest.mark.parametrize("with_words", [True, False])
@in_virtual_time
async def test_a_hosted_call_without_approval_is_shown_with_its_result(with_words: bool) -> None:
    done = {"id": "mcp_1", "type": "mcp_call", "server_label": "docs", "name": "find", "arguments": "{}", "output": "x"}
    failing = {**done, "id": "mcp_2", "output": None, "error": {"type": "http_error", "code": 500, "message": "down"}}
    words = {"id": "item_w", "type": "message", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "Found."}]}  # fmt: skip

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await begin_calls(wire, done, failing)
        if with_words:
            await wire.begin_reply("Found.", response="resp_f", item="item_w")
            await wire.end_reply("resp_f", output=[done, failing, words])
        else:
            await wire.end_reply("resp_f", output=[done, failing])
            await wire.hear("response.create")
            await wire.reply("Found.", response="resp_2")
        await wire.until_closed()
        assert wire.types.count("response.create") == (1 if with_words else 2)

    async with ScriptedServer(script).running() as server, session_with(server, tools=[HOSTED]) as (session, reader):
        session.send_text("Find it")
        await rests(session)
        assert shown(reader) == [("find", "done", "x"), ("find", "failed", "Error: down.")]
        assert reader.written("assistant") == ["Found."]


async def test_the_loop_is_free_while_a_function_blocks() -> None:
    @tool
    def blocks() -> str:
        """Block."""
        time.sleep(0.3 * SECOND)
        return "free"

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("response.create")
        await call(wire, function_call("blocks"))
        await wire.hear("response.create")
        await wire.reply("Free.", response="resp_2")
        await wire.until_closed()

    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)

    async with ScriptedServer(script).running() as server, session_with(server, CONFIG, tools=[blocks]) as (session, _):
        watching = asyncio.create_task(watch())
        session.send_text("Go")
        await rests(session)
        watching.cancel()
        assert longest < 0.25 * SECOND


@in_virtual_time
async def test_the_tools_of_a_hosted_server_are_shown_once_and_its_calls_are_told_in_words_after_a_cut() -> None:
    tools = [{"name": "find", "input_schema": {}}, {"name": "read", "input_schema": {}}]
    listed = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "docs", "tools": tools}
    done = {"id": "mcp_1", "type": "mcp_call", "server_label": "docs", "name": "find", "arguments": "{}", "output": "x"}

    async def lists(wire: Wire, *, succeeds: bool = True) -> None:
        await wire.configure()
        await wire.say("conversation.item.added", previous_item_id=None, item={**listed, "tools": []})
        if succeeds:
            await wire.say("conversation.item.done", previous_item_id=None, item=listed)
        else:
            await wire.say("mcp_list_tools.failed", item_id="mcpl_1")

    async def first(wire: Wire) -> None:
        await lists(wire)
        await wire.hear("response.create")
        await begin_calls(wire, done)
        await wire.end_reply("resp_f", output=[done])
        await wire.hear("response.create")
        await wire.reply("Found.", response="resp_2")
        wire.abort()

    async def second(wire: Wire) -> None:
        await lists(wire)
        await wire.hear("response.create")
        given = [event["item"] for event in wire.of_type("conversation.item.create")]
        assert [(item["type"], item["role"]) for item in given] == [
            ("message", "user"), ("message", "system"), ("message", "assistant"), ("message", "system"),
            ("message", "user"),
        ]  # fmt: skip
        (words,) = given[1]["content"]
        assert words["type"] == "input_text"
        assert "find of docs" in words["text"] and words["text"].endswith("(done): x")
        await wire.reply("Again.", response="resp_3")
        await wire.say("mcp_list_tools.failed", item_id="mcpl_1")
        await wire.until_closed()

    async with ScriptedServer(first, second).running() as server, session_with(server, tools=[HOSTED]) as it:
        session, reader = it
        session.send_text("Find it")
        await until(lambda: reader.written("assistant") == ["Found."])
        await rests(session)
        session.send_text("Once more")
        await rests(session)
        assert shown(reader)[:2] == [("mcp_list_tools", "done", "find\nread"), ("find", "done", "x")]
        assert [(call.name, call.status) for call in calls(reader)[2:]] == [("mcp_list_tools", "failed")]
