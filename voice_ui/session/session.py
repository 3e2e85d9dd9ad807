"""The session of one conversation: the calls of whoever shows it, and one task for each press of Start.

    async with RealtimeSession(Endpoint.openai(key)) as session:
        session.start()
        session.append_audio(pcm)
        async for event in session: ...

`start`, `stop`, `append_audio` and the others never wait. Knows no page and no microphone.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count
from types import TracebackType
from typing import Self

from voice_ui import audio, images, transport
from voice_ui.conversation import Conversation, Item
from voice_ui.errors import Problem, Refused
from voice_ui.images import Image
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session.accounts import Account
from voice_ui.session.budget import Budget, Limits
from voice_ui.session.context import Context
from voice_ui.session.entries import Message
from voice_ui.session.events import SessionEvent, StateChanged
from voice_ui.session.ledger import LocalAccounts
from voice_ui.session.press import Press
from voice_ui.session.reports import Reports
from voice_ui.session.seats import Seats
from voice_ui.session.state import FAILED, IDLE, State
from voice_ui.session.supervisor import Connect, Supervisor
from voice_ui.session.tracer import Tracer
from voice_ui.tools import AnyTool, Toolbox
from voice_ui.usage import Usage

OUR_IDS = "voice_ui_"
"""How the ids of what we send begin."""

_log = logging.getLogger("voice_ui.session")

_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")


class RealtimeSession:
    """A conversation with a realtime server. It reconnects by itself.

    Iterate over the session to receive its events (one reader only). A connection is open from `start` until the last
    reply after `stop` is complete. The next `start` opens a new one and sends it the conversation so far.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: SessionConfig | None = None,
        *,
        limits: Limits | None = None,
        account: Account | None = None,
        plays: bool = False,
        seats: Seats | None = None,
        connect: Connect = transport.connect,
        clock: Callable[[], float] = time.monotonic,
        tools: Iterable[AnyTool] | Callable[[], Iterable[AnyTool]] = (),
    ) -> None:
        """Create a session; it connects at `start`.

        `account` collects the costs for the `limits` per visitor, per day and in total; by default, the session's own.
        Set `plays` if you play spoken replies and report progress with `take_played`. Sessions that share `seats`
        share a limit. `connect` opens a transport; `clock` returns seconds. `tools` are functions that the model may
        call, with or without `@tool`, and definitions of tools that the server runs; or a function that returns them,
        called at each `start`.

        Raises ToolError if a function cannot be a tool.
        """
        self.endpoint = endpoint
        self.config = config or SessionConfig()
        self.conversation = Conversation()
        self.budget = Budget(limits or Limits(), account or Account(LocalAccounts()))
        self._tools = tools
        self.toolbox = Toolbox(() if callable(tools) else tools)
        """The tools that the model may call."""
        self.unknown_events: Counter[str] = Counter()
        """Counts of ignored server events, by type or by what was wrong with them."""
        self.plays = plays
        """Whether spoken replies are played, from the next `start` on."""
        self._seats, self._connect, self._clock = seats, connect, clock
        self._reports = Reports()
        self._ids = (f"{OUR_IDS}{number}" for number in count(1))
        self._press: Press | None = None
        self._supervisor: Supervisor | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._later: list[Callable[[], object]] = []  # what was called while a press of Start came to its end
        self._state = IDLE
        self._open_seconds = 0.0

    # What it is.

    @property
    def state(self) -> State:
        """The phase, and whether the microphone is open."""
        return self._press.progress.state if self._press else self._state

    @property
    def tracer(self) -> Tracer | None:
        """Receives every protocol event, sent and received; None by default."""
        return self._reports.tracer

    @tracer.setter
    def tracer(self, tracer: Tracer | None) -> None:
        self._reports.tracer = tracer

    @property
    def has_spoken(self) -> bool:
        """Whether the model has spoken in the running session: its voice is fixed until the next `start`."""
        link = self._press and self._press.context.link
        return bool(link and link.has_spoken)

    @property
    def open_seconds(self) -> float:
        """Seconds during which a connection was open or wanted, over all starts."""
        return self._open_seconds + (self._clock() - self._supervisor.began if self._supervisor else 0.0)

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        """Yield events until cancelled; one reader only."""
        return self._reports.__aiter__()

    # What a person does.

    def start(self) -> None:
        """Start listening; opens a connection unless one is still open for the last reply."""
        if self._press and self._press.is_over:
            self._later.append(self.start)
        elif press := self._usable_press():
            press.open_microphone()

    def stop(self) -> None:
        """Stop listening; what was said so far is still answered."""
        self._later = [call for call in self._later if call != self.start]
        if press := self._listening:
            press.end_turn()
            press.close_microphone()

    def append_audio(self, pcm: bytes, rate: int = audio.SAMPLE_RATE) -> None:
        """Send mono 16-bit little-endian PCM at `rate` hertz. Never blocks; ignored while the microphone is closed.

        Raises ValueError if `pcm` is not whole samples.
        """
        if self._press and self._press.microphone.is_open:
            self._press.append_audio(pcm, rate)

    def begin_turn(self) -> None:
        """Begin a turn in push to talk; interrupts the current reply."""
        if press := self._listening:
            press.begin_turn()

    def end_turn(self) -> None:
        """End the turn, in push to talk or when the microphone is muted."""
        if press := self._listening:
            press.end_turn()

    def send_text(self, text: str) -> bool:
        """Say something in writing; a reply that is being written is cut short. Works without `start`, too.

        Returns False, and reports why, if a limit or a full room does not allow it: then it is not in the conversation.
        """
        return self._send(text)

    def send_image(self, image: bytes, text: str = "", *, reply: bool = True) -> bool:
        """Show the model a PNG or JPEG image, with a text or without one. Works without `start`, too.

        Without `reply`, it becomes part of the conversation and nothing is said to it, until the next question. It is
        kept in memory only. Returns as `send_text`. Raises ValueError for other bytes, and for more than
        `images.MOST_BYTES`.
        """
        return self._send(text, images.read(image), reply=reply)

    def interrupt(self) -> None:
        """Interrupt the current reply, and cancel running tool calls."""
        if self._press:
            self._press.interrupt()
            self._press.want_no_reply()

    def approve(self, call_id: str) -> None:
        """Approve a tool call that waits for approval."""
        if self._press:
            self._press.calls.approve(call_id, approved=True)

    def refuse(self, call_id: str) -> None:
        """Refuse a tool call that waits for approval; the model is informed."""
        if self._press:
            self._press.calls.approve(call_id, approved=False)

    def take_played(self, item_id: str, played_ms: float, *, stopped: bool = False) -> None:
        """Report how much of a spoken item was played, in milliseconds; set `stopped` after a `PlaybackCut` event."""
        if self._press:
            self._press.take_played(item_id, played_ms, stopped=stopped)

    def reconfigure(self, endpoint: Endpoint, config: SessionConfig) -> bool:
        """Change endpoint or config. Returns True if the running session is updated, False if the next `start` uses it.

        A new server or model always takes effect at the next `start`.
        """
        self.endpoint, self.config = endpoint, config
        if self._press is None or self._config_with_tools() == self._press.context.config:
            return False
        self._press.reconfigure(self._config_with_tools())
        return True

    def restore(self, items: Iterable[Item], usage: Usage, dollars: float) -> None:
        """Go on with the conversation of an earlier process; call it before anything else."""
        self.conversation.restore(items)
        self.budget.restore(usage, dollars)
        ours = [item.id.removeprefix(OUR_IDS) for item in self.conversation.items if item.id.startswith(OUR_IDS)]
        first = max((int(number) for number in ours if number.isdecimal()), default=0) + 1
        self._ids = (f"{OUR_IDS}{number}" for number in count(first))

    def dismiss(self) -> None:
        """Leave the error phase, after the user has seen the problem."""
        if self._press is None and self._state == FAILED:
            self._rest(IDLE)

    # What others do.

    def stop_for(self, code: str, **facts: str) -> None:
        """Close the microphone and report why, as a problem with this code: a limit, or the owner of the room."""
        if self._press:
            self._press.stop_for(code, **facts)

    def cut_off(self, code: str, **facts: str) -> None:
        """End and report why: interrupt the current reply, and answer nothing more."""
        if self._press:
            self._press.cut_off(Problem(code, facts=facts))

    def abort(self) -> None:
        """End at once because of a problem reported elsewhere, such as a microphone that does not start."""
        if not self._cancel(FAILED):
            self._rest(FAILED)

    async def close(self) -> None:
        """End, and wait until connection and tasks are closed. The session can be started again."""
        if task := self._cancel(IDLE):
            self._is_closing = True
            await asyncio.gather(task, return_exceptions=True)
            self._is_closing = False
        self._rest(IDLE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Inside.

    @property
    def _listening(self) -> Press | None:
        return self._press if self._press and self._press.microphone.is_open else None

    def _cancel(self, final: State) -> asyncio.Task[None] | None:
        """Cancel the task of the press that runs, if one does, and return it."""
        if self._press and self._supervisor and self._task:
            self._supervisor.final, self._press.is_over = final, True
            self._task.cancel()
        return self._task

    def _send(self, text: str, image: Image | None = None, *, reply: bool = True, promised: bool = False) -> bool:
        press = self._press
        if press and press.is_over:
            if reply:
                self._later.append(partial(self._send, text, image, promised=True))
                return True
            press = None
        elif reply or press:
            press = self._usable_press()
            if press is None and not promised:
                return False
        message = Message(next(self._ids), _HALF_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text), image, reply)
        self._reports.say(self.conversation.write(message.item_id, message.text, image))
        if press:
            press.send(message)
        return True

    def _config_with_tools(self) -> SessionConfig:
        return replace(self.config, tools=(*self.config.tools, *self.toolbox.to_wire()))

    def _usable_press(self) -> Press | None:
        """Return the press of Start that runs, or a new one; None if the owner's limits do not allow it."""
        if (press := self._press) is None:
            return self._begin()
        return press if press.may_go_on(asking=True) else None

    def _begin(self) -> Press | None:
        asyncio.get_running_loop()  # raises RuntimeError without one, before anything is taken
        if problem := self.budget.problem(self.endpoint, self.config.transcription_model, asking=True):
            self._refuse(problem)
            return None
        try:
            if callable(self._tools):
                self.toolbox = Toolbox(self._tools())
        except Exception as error:
            _log.exception("the tools cannot be used")
            self._refuse(Problem("program-error", type(error).__name__))
            return None
        try:
            seat = self._seats.take(self.budget.account.visitor) if self._seats else None
        except Refused as error:
            self._refuse(error.problem)
            return None
        context = Context(
            self.endpoint,
            self._config_with_tools(),
            self.conversation,
            self.budget,
            self._reports,
            self.unknown_events,
            self._ids,
            self._clock,
        )
        supervisor = Supervisor(context, seat, self._connect)
        press = Press(context, self.toolbox, self, plays=self.plays, on_settled=supervisor.leave)
        self._press, self._supervisor = press, supervisor
        self._task = asyncio.create_task(supervisor.run(press), name="realtime session")
        # Not at the end of the task itself: one that is cancelled before its first step has none.
        self._task.add_done_callback(lambda _: self._end(press, supervisor))
        return press

    def _end(self, press: Press, supervisor: Supervisor) -> None:
        """A press of Start is over, and nothing of it is left."""
        supervisor.let_go(press)
        self._open_seconds += self._clock() - supervisor.began
        self._press = self._supervisor = self._task = None
        self._state = supervisor.final
        if supervisor.failure:
            self._reports.raise_problem(*supervisor.failure)
        later, self._later = [] if self._is_closing else self._later, []
        if supervisor.failure or not later:
            self._reports.say(StateChanged(self._state))
        for call in later:
            call()

    def _refuse(self, problem: Problem) -> None:
        self._reports.raise_problem(problem)
        self._state = FAILED
        self._reports.say(StateChanged(FAILED))  # also a second time: whoever opened a microphone closes it

    def _rest(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._reports.say(StateChanged(state))
