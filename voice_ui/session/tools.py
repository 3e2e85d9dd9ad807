"""Tool calls of the model: each runs as a task, and the outputs of one response are sent together.

A call belongs to the press of Start and not to a connection, so it survives a reconnect. It is cancelled with its
press, with its response, or by the user.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import chain
from typing import Any

from voice_ui.conversation import Change, FunctionCall
from voice_ui.protocol import ServerEvent, WireItem, server, well_formed
from voice_ui.session.calls import (
    APPROVAL_SECONDS,
    CANCELLED,
    NOT_APPROVED,
    REFUSED,
    Batch,
    PendingCall,
    ends_with_words,
    outcome_of,
    read_arguments,
)
from voice_ui.session.context import Context
from voice_ui.session.entries import Outputs
from voice_ui.session.hosted_tools import HostedTools
from voice_ui.session.late_calls import LateCalls
from voice_ui.session.running import Outcome, failed, run
from voice_ui.tools import RunningSession, Tool, Toolbox, ToolContext

HOSTED_SECONDS = 60.0
"""For a hosted tool, from its approval to its result."""

MOST_CALLS = 16
"""Maximum number of calls that run or wait."""

MOST_ROUNDS = 20
"""How many responses of one turn may call tools. Then the model gets the outputs but is not asked to continue."""

_log = logging.getLogger("voice_ui.session")


class Calls:
    """The calls of one press of Start."""

    def __init__(
        self,
        context: Context,
        toolbox: Toolbox,
        session: RunningSession,
        on_change: Callable[[], object],
    ) -> None:
        """`on_change` is called when calls begin or end."""
        self._context, self._toolbox, self._session, self._on_change = context, toolbox, session, on_change
        self._conversation, self._reports, self._clock = context.conversation, context.reports, context.clock
        self._batches: dict[str, Batch] = {}  # by response
        self._pending: list[PendingCall] = []
        self._hosted_tools = HostedTools(context)
        self._late = LateCalls()
        self._ended: set[asyncio.Task[None]] = set()
        self._rounds: Counter[int] = Counter()  # by turn

    @property
    def are_acting(self) -> bool:
        """Whether outputs are to be expected."""
        return bool(self._batches)

    @property
    def are_running(self) -> bool:
        """Whether a call runs or waits for approval; what comes next depends on it, and not on the server."""
        return bool(self._pending)

    @property
    def unfinished(self) -> set[str]:
        """The ids of the calls whose outputs were not handed over yet."""
        return {call.call_id for batch in self._batches.values() for call in batch.calls}

    def begin_turn(self) -> None:
        """Something new was said."""
        self._late.begin_turn()

    def are_made_by(self, response_id: str) -> bool:
        """Whether a response calls something."""
        return response_id in self._batches

    # What the server says.

    def take(self, event: ServerEvent, *, is_wanted: bool = True) -> list[Change]:
        """Take in one event; return what it changes in the conversation. Unless it `is_wanted`, nothing is run."""
        match event:
            case server.FunctionCallArgumentsDone(name=name) if name:
                self._late.announce_call(event)
            case server.ResponseCreated(response_id):
                self._late.announce(response_id)
            case server.OutputItemDone(response_id, item):
                return self._take_item(response_id, item, is_wanted=is_wanted)
            case server.ItemDone(item) if item.type in {"mcp_approval_request", "mcp_call"}:
                return self._take_item("", item, is_wanted=is_wanted)
            case server.ResponseDone(response_id):
                return self._take_end(response_id, event, is_wanted=is_wanted)
        return self._hosted_tools.take(event)

    def _take_item(self, response_id: str, item: WireItem, *, is_wanted: bool) -> list[Change]:
        if (late := self._late.is_wanted(response_id)) is not None:
            is_wanted = late
        match item.type:
            case "function_call" if item.call_id or item.id:
                return self._take_call(response_id, item, is_wanted=is_wanted)
            case "mcp_approval_request" | "mcp_call" if item.id:
                return self._take_hosted(response_id, item, is_wanted=is_wanted)
        return []

    def _take_end(self, response_id: str, event: server.ResponseDone, *, is_wanted: bool) -> list[Change]:
        changes: list[Change] = []
        if event.status in {"completed", "incomplete"}:
            for item in chain(event.output, self._late.left_of(response_id)):
                changes += self._take_item(response_id, item, is_wanted=is_wanted)
        self._late.end(response_id, is_wanted=is_wanted and event.status != "cancelled")
        for batch in [self._batches[key] for key in dict.fromkeys(["", response_id]) if key in self._batches]:
            batch.is_open = False
            is_answer_wanted = is_wanted and batch.wants_reply and event.status in {"completed", "incomplete"}
            batch.wants_reply = is_answer_wanted and not ends_with_words(event, batch)
            if event.status == "cancelled":
                self._cancel([pending for pending in self._pending if pending.batch is batch])
            self._settle(batch)
        return changes

    def end_responses(self) -> list[str]:
        """No more calls come of the responses so far; return those whose calls stand for their answer."""
        self._late.forget_announced()
        ended = [response_id for response_id, batch in self._batches.items() if batch.is_open]
        for response_id in ended:
            self._batches[response_id].is_open = False
            self._settle(self._batches[response_id])
        return ended

    def lose_connection(self) -> list[str]:
        """As `end_responses`; and another connection may count its responses and calls from the beginning."""
        ended = self.end_responses()
        self._late = LateCalls()
        for pending in [pending for pending in self._pending if pending.call.server_label]:
            self._end(pending, failed("the connection to the server that runs this tool was lost"))
        self._batches = {f"lost {number}": batch for number, batch in enumerate(self._batches.values())}
        return ended

    # The user's decisions.

    def approve(self, call_id: str, *, approved: bool) -> None:
        """Approve or refuse a waiting call."""
        pending = self._find(call_id)
        if pending and not pending.approval.done():
            pending.approval.set_result(approved)

    def cancel(self) -> None:
        """Cancel all calls; the model is informed but not asked to continue."""
        for batch in self._batches.values():
            batch.wants_reply = False
        self._cancel(self._pending)

    async def close(self) -> None:
        """Cancel all calls and wait until they have ended."""
        self.cancel()
        self._batches.clear()
        cancelled: asyncio.CancelledError | None = None
        while self._ended:
            try:
                await asyncio.wait(self._ended)
            except asyncio.CancelledError as error:  # again: what was started still has to end
                cancelled = error
        if cancelled:
            raise cancelled

    # One call.

    def _take_call(self, response_id: str, item: WireItem, *, is_wanted: bool) -> list[Change]:
        call_id = item.call_id or item.id
        if not self._late.take(response_id, call_id):
            return []
        tool = self._toolbox.get(well_formed(item.name))
        is_waiting = bool(tool and tool.approve and is_wanted)
        pending, change = self._begin(response_id, item, call_id, is_waiting=is_waiting, is_wanted=is_wanted)
        if len(pending.batch.calls) == 1:
            self._rounds[pending.call.turn] += 1
        outcome: Outcome | None = None
        if not is_wanted:
            outcome = Outcome("failed", CANCELLED)
        elif len(self._pending) > MOST_CALLS:
            outcome = failed(f"more than {MOST_CALLS} calls at once")
        elif item.status == "incomplete":
            outcome = failed("the call was cut off before its arguments were complete")
        self._start(pending, self._perform(pending, tool, outcome))
        return [change]

    def _begin(
        self, response_id: str, item: WireItem, call_id: str, *, is_waiting: bool, is_wanted: bool
    ) -> tuple[PendingCall, Change]:
        """Take in a call, which waits for approval or runs; return it, and what it changes in the conversation."""
        call = FunctionCall(item.id or call_id, "tool", call_id=call_id)
        call.server_label = "" if item.type == "function_call" else item.server_label
        call.name, call.arguments = well_formed(item.name), well_formed(item.arguments)
        call.status = "waiting" if is_waiting else "running"
        call.event_number = self._reports.received
        change = self._conversation.begin_call(response_id, call)
        batch = self._batches.setdefault(response_id, Batch(is_open=not self._late.is_over(response_id)))
        batch.wants_reply = batch.wants_reply and is_wanted
        batch.calls.append(call)
        pending = PendingCall(call, batch)
        self._pending.append(pending)
        return pending, change

    def _start(self, pending: PendingCall, work: Coroutine[Any, Any, None]) -> None:
        pending.task = asyncio.create_task(work, name="realtime call")
        self._ended.add(pending.task)
        pending.task.add_done_callback(self._ended.discard)

    async def _perform(self, pending: PendingCall, tool: Tool | None, outcome: Outcome | None) -> None:
        began = self._clock()
        try:
            if outcome is None and tool is None:
                outcome = failed(
                    f"there is no tool of that name; there are: {', '.join(self._toolbox.names) or 'none'}"
                )
            elif outcome is None and tool is not None:
                arguments = read_arguments(tool, pending.call.arguments)
                outcome = arguments if isinstance(arguments, Outcome) else await self._approved(pending)
                began = self._clock()
                if outcome is None and not isinstance(arguments, Outcome):
                    on_loop = asyncio.get_running_loop().call_soon_threadsafe
                    context = ToolContext(self._session, pending.call.call_id, pending.call.turn, on_loop)
                    outcome = await run(tool, arguments, context)
        except asyncio.CancelledError:
            self._end(pending, Outcome("failed", CANCELLED), self._clock() - began)
            raise
        assert outcome
        self._end(pending, outcome, self._clock() - began)

    async def _approved(self, pending: PendingCall) -> Outcome | None:
        """Wait for approval, if the call needs it."""
        if pending.call.status != "waiting":
            return None
        try:
            async with asyncio.timeout(APPROVAL_SECONDS):
                if not await pending.approval:
                    return Outcome("refused", REFUSED)
        except TimeoutError:
            return Outcome("refused", NOT_APPROVED)
        pending.call.status = "running"
        self._reports.say(self._conversation.change_call(pending.call))
        return None

    def _end(self, pending: PendingCall, outcome: Outcome, seconds: float | None = None) -> None:
        call = pending.call
        if pending not in self._pending:
            return
        call.status, call.result, call.seconds = outcome.status, outcome.result, seconds
        self._pending.remove(pending)
        is_known = call.server_label or self._toolbox.get(call.name)
        _log.info("tool %s: %s after %.1f s", call.name if is_known else "unknown", call.status, seconds or 0.0)
        self._reports.say(self._conversation.change_call(call))
        self._settle(pending.batch)

    def _cancel(self, pending: list[PendingCall]) -> None:
        for each in list(pending):
            if each.task:
                each.task.cancel()
            if each.call.server_label and each.call.status == "waiting" and (link := self._context.link):
                link.answer_hosted(each.call.call_id, approve=False)  # or the server waits for ever
            # Not when the task gets to it: what follows must find the call ended.
            self._end(each, Outcome("failed", CANCELLED))

    def _find(self, call_id: str) -> PendingCall | None:
        return next((pending for pending in reversed(self._pending) if pending.call.call_id == call_id), None)

    # All calls of a response.

    def _settle(self, batch: Batch) -> None:
        """Send the outputs once all are there."""
        if not batch.is_open and all(call.is_over for call in batch.calls):
            for response_id in [key for key, value in self._batches.items() if value is batch]:
                del self._batches[response_id]
                last = batch.calls[-1]
                outputs = tuple((call.call_id, call.result) for call in batch.calls if not call.server_label)
                wants_reply = batch.wants_reply and self._rounds[last.turn] <= MOST_ROUNDS
                if outputs or wants_reply:
                    self._context.stream.append(Outputs(last.id, outputs, wants_reply))
        self._on_change()

    # Hosted tools, which the server runs.

    def _take_hosted(self, response_id: str, item: WireItem, *, is_wanted: bool) -> list[Change]:
        asked = self._find(item.approval_request_id) if item.approval_request_id else None
        if not (response_id or asked) or not self._late.take_hosted(item.id):
            return []
        if item.type == "mcp_call" and asked:
            if not asked.hosted.done():
                asked.hosted.set_result(outcome_of(item))
            return []
        is_waiting = item.type == "mcp_approval_request"
        if item.type == "mcp_call" and item.approval_request_id:
            is_wanted = False  # its approved call is no longer pending: Escape ended it, or it took too long
        pending, change = self._begin(response_id, item, item.id, is_waiting=is_waiting, is_wanted=is_wanted)
        if item.type == "mcp_call":
            pending.hosted.set_result(outcome_of(item))
        self._start(pending, self._await_hosted(pending))
        if is_waiting and not is_wanted:
            self._cancel([pending])
        return [change]

    async def _await_hosted(self, pending: PendingCall) -> None:
        began = self._clock()
        call = pending.call
        try:
            if call.status == "waiting":
                refused = await self._approved(pending)
                if link := self._context.link:
                    link.answer_hosted(call.call_id, approve=refused is None)
                if refused:
                    self._end(pending, refused)
                    return
                began = self._clock()
            async with asyncio.timeout(HOSTED_SECONDS):
                outcome = await pending.hosted
        except TimeoutError:
            outcome = failed(f"{call.server_label} did not finish within {HOSTED_SECONDS:.0f} seconds")
        except asyncio.CancelledError:
            self._end(pending, Outcome("failed", CANCELLED), self._clock() - began)
            raise
        self._end(pending, outcome, self._clock() - began)
