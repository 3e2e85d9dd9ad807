"""The one task of a press of Start: a seat, and one connection after the other until everything is answered.

`run` shows from top to bottom how a connection is made, lost and made again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace

from voice_ui.errors import ConnectionFailed, Problem, Refused, SessionError
from voice_ui.servers import Endpoint
from voice_ui.session import diagnosis
from voice_ui.session.context import Context
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.link import Link
from voice_ui.session.press import Press
from voice_ui.session.seats import Seat
from voice_ui.session.state import FAILED, IDLE, Phase
from voice_ui.session.timer import Timer
from voice_ui.transport import Transport

RENEW_MARGIN = 0.1
"""The share of a session's life before its end in which a quiet moment is used to begin a new one: 6 of 60 minutes at
OpenAI and Azure (protocol facts, section 3)."""

QUIET_CHECK_SECONDS = 1.0
"""How often a session that is due for renewal is looked at for a quiet moment."""

Connect = Callable[[Endpoint], AbstractAsyncContextManager[Transport]]

_log = logging.getLogger("voice_ui.session")


class Supervisor:
    """Owns the connections of one press of Start, and what it holds while it lasts."""

    def __init__(self, context: Context, seat: Seat | None, connect: Connect) -> None:
        self.began = context.clock()
        self.final = IDLE
        """The state after its end."""
        self.failure: tuple[Problem, int | None] | None = None
        """Why it failed, and the number of the event that says so; reported together with the state."""
        self._context, self._seat, self._connect = context, seat, connect
        self._leaving: asyncio.Timeout | None = None  # while a connection is made, used or waited for
        self._was_connected = False
        self._renewal = Timer()

    async def run(self, press: Press) -> None:
        """Hold connections until nothing more is wanted."""
        context = self._context
        endpoint, budget = context.endpoint, context.budget
        _log.info("session begins: %s %s", endpoint.name, endpoint.model)
        try:
            if self._seat:
                await self._seat.claim()
            await budget.account.refresh()  # it may have spent elsewhere
            if problem := budget.problem(endpoint, context.config.transcription_model):
                raise Refused(problem.code, **problem.facts)
            while press.is_wanted:
                await self._hold_connection(press)
        except SessionError as error:
            _log.warning("session failed: %s", error.problem.code)
            press.report_lost(context.stream.speech_ms if self._was_connected else 0.0)
            self.failure, self.final = (error.problem, context.reports.closing_error), FAILED
        except Exception as error:
            _log.exception("session ended by a mistake of ours")
            problem = Problem("program-error", type(error).__name__, diagnosis.facts_of(endpoint))
            self.failure, self.final = (problem, None), FAILED
        finally:
            press.is_over = True
            await press.calls.close()
        _log.info("session ends after %.0f s: %d tokens", context.clock() - self.began, budget.usage.total)

    async def _hold_connection(self, press: Press) -> None:
        """Connect and converse until the connection is left; if it is lost, wait until the next may be tried."""
        leaving = self._leaving = asyncio.timeout(None)
        try:
            async with leaving:
                try:
                    await self._connect_and_converse(press)
                except ConnectionFailed as error:
                    if not self._was_connected or not error.problem.retry:
                        raise
                    await self._recover(press, error)
        except TimeoutError:
            if not leaving.expired():
                raise
        finally:
            self._leaving = None

    async def _connect_and_converse(self, press: Press) -> None:
        async with AsyncExitStack() as stack:
            async with self._context.outage.limit():
                link = await self._open(press, stack)
            self._context.outage.connected()
            await self._converse(press, link)

    async def _open(self, press: Press, stack: AsyncExitStack) -> Link:
        """Connect, have our configuration confirmed, and give the server the conversation so far."""
        context = self._context
        if context.reports.tracer:
            context.reports.tracer.begin()
        transport = await stack.enter_async_context(self._connect(context.endpoint))
        link = Link(
            EventTransport(transport, context.reports, context.endpoint.dialect),
            context.endpoint,
            context.config,
            context.stream,
            context.ids,
            context.clock,
            press.handle_mark,
            may_ask=lambda: press.may_go_on(asking=True),
        )
        await link.configure()
        unanswered = press.calls.unfinished.union(*(dict(entry.outputs) for entry in context.stream.outputs))
        known = [item for item in context.conversation.known if not context.stream.holds(item.id)]
        await link.seed(known, unanswered)
        link.exchange.names.reserve(item.id for item in context.conversation.items)
        return link

    async def _converse(self, press: Press, link: Link) -> None:
        """Use a connection until it is lost or closed."""
        context = self._context
        context.link, self._was_connected, link.exchange.held = link, True, press.microphone.is_held
        if link.expires_in is not None:
            self._renewal.set(link.expires_in * (1 - RENEW_MARGIN), lambda: self._renew(press))
        if link.config != context.config:  # it was changed while we connected
            link.reconfigure(context.config)
        press.progress.refresh()
        if link.problem:
            context.reports.raise_problem(link.problem)
        if link.differs:
            context.report("config-differs", number=context.reports.received, param=link.differs)
        try:
            await link.converse(press.handle)
        finally:
            self._renewal.stop()
            press.lose_connection()

    async def _recover(self, press: Press, error: ConnectionFailed) -> None:
        """A connection was lost, or not made again: wait before the next attempt, or raise if the time is over."""
        reports, outage = self._context.reports, self._context.outage
        reports.say(*self._context.conversation.break_off())
        if not press.is_wanted:
            return
        is_new = outage.begin(error, stopped_at=press.microphone.stopped_at)
        _log.warning("connection lost (%s), attempt %d", error.problem.code, outage.attempt)
        press.progress.refresh(outage.attempt)
        if outage.attempt > 1:  # short interruptions are not shown
            reports.raise_problem(replace(error.problem, recovering=True), reports.closing_error)
        async with outage.limit():
            await outage.wait(at_once=is_new and error.problem.code == "session-expired")

    def leave(self) -> None:
        """Close the connection; another follows if still needed."""
        if self._leaving and not self._leaving.expired():
            self._leaving.reschedule(asyncio.get_running_loop().time())

    def _renew(self, press: Press) -> None:
        """Begin a new session before this one expires, as soon as nobody speaks."""
        context, progress = self._context, press.progress
        is_quiet = progress.state.phase is Phase.LISTENING and progress.transcribed_by <= context.clock()
        if is_quiet and context.stream.is_sent:
            _log.info("session renewed before it expires")
            self.leave()
        else:
            self._renewal.set(QUIET_CHECK_SECONDS, lambda: self._renew(press))

    def let_go(self, press: Press) -> None:
        """Clean up after the task ended, or if it never began."""
        press.let_go()
        if self._seat:
            self._seat.give_back()
        if self.failure and self.failure[0].code == "message-oversized":
            self._context.conversation.forget_images()  # or the next connection would end the same way
