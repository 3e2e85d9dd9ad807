"""Shows what went wrong and what to do, until it is dismissed, or a connection or a turn shows that it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from nicegui import ui

from voice_ui.conversation import Item
from voice_ui.errors import CODES, Problem
from voice_ui.page import messages
from voice_ui.page.block import Block

HELD_SECONDS = 3.0
"""A new connection counts as stable after this time."""

BY_CONNECTING = {code for code, known in CODES.items() if known.where in {"connection", "server", "limits"}}
BY_CONNECTING -= {"page-polling"}  # the microphone reports when it is over
BY_A_TRANSCRIPT = {"transcription-failed"}
BY_A_MESSAGE = {code for code, known in CODES.items() if known.where == "image"}
BY_A_REPLY = {code for code, known in CODES.items() if known.where == "reply"} - BY_A_TRANSCRIPT
BY_A_REPLY -= {"speaker-blocked", "speaker-failed", "voice-echo"}  # a reply that nobody hears solves nothing
BY_A_REPLY |= {"server-error", "server-said"}

COPY = """async e => {
    const words = e.currentTarget.querySelector(".block");
    try { await Quasar.copyToClipboard(e.currentTarget.dataset.details); words.textContent = "Copied"; }
    catch { words.textContent = "The browser refused to copy"; }
    setTimeout(() => { words.textContent = "Copy details"; }, 2000);
}"""


class ErrorCard(Block):
    """Shows one problem at a time, the newest. The same one again is counted, not stacked."""

    def __init__(self, *, retry: str, on_dismiss: Callable[[], object], about: Callable[[], str]) -> None:
        """`retry` is the `js_handler` of the Retry button; `about` names server and model in a report."""
        super().__init__()
        self.problem: Problem | None = None
        self.on_successor: Callable[[str], object] | None = None
        """Called with the successor model when the user clicks its button; without it there is no button."""
        self.on_half_duplex: Callable[[], object] | None = None
        """Called when the user turns on “Do not listen while the voice plays”."""
        self.on_show_event: Callable[[int], object] = lambda number: None
        """Called with the number of the event that caused the problem."""
        self._number: int | None = None  # of the event that caused it, while the inspector can show that
        self._times = 0
        self._at_rest = True
        self._phase = "idle"
        self._connecting: asyncio.TimerHandle | None = None  # until a new connection counts as stable
        self._on_dismiss = on_dismiss
        self._about = about
        self.classes("vp-error").props('role=alert data-testid=error data-code="" translate=no').set_visibility(False)
        with self:
            ui.icon("error_outline").classes("vp-error-icon")
            with ui.element("div").classes("vp-error-words"):
                self._cause = ui.label().classes("vp-error-cause")
                self._fix = ui.label()
                self._code = ui.label().classes("vp-error-code")
                with ui.element("div").classes("vp-error-actions"):
                    self._retry = self._action("Retry", "retry").on("click", js_handler=retry)
                    self._successor = self._action("", "successor").on("click", self._handle_successor)
                    self._half_duplex = self._action("Do not listen while the voice plays", "half-duplex")
                    self._half_duplex.on("click", self._handle_half_duplex)
                    self._event = self._action("Show event", "show-event").on("click", self._handle_show_event)
                    self._copy = self._action("Copy details", "copy")
                    self._copy.on("click", js_handler=COPY)
            ui.button(icon="close", on_click=self.dismiss, color=None).props('flat round dense aria-label="Dismiss"')

    def _action(self, label: str, testid: str) -> ui.button:
        return ui.button(label, color=None).props(f"outline dense no-caps data-testid={testid}")

    def show(self, problem: Problem, number: int | None = None) -> None:
        """Show `problem`; `number` is that of the event that caused it, if the inspector can show it."""
        is_repeated = self.problem is not None and self.problem.code == problem.code
        self._times = self._times + 1 if is_repeated else 1
        self.problem = problem
        self._cause.set_text(messages.cause(problem))
        self._fix.set_text(messages.fix(problem))
        count = f" · {self._times} times" if self._times > 1 else ""
        self._code.set_text(f"{problem.code}{count}")
        self._show_retry()
        self._offer_event(number)
        successor = problem.facts.get("successor", "")
        self._successor.set_text(f"Use {successor}")
        self._successor.set_visibility(bool(successor and self.on_successor))
        self._half_duplex.set_visibility(problem.code == "voice-echo" and self.on_half_duplex is not None)
        # Set directly: if a server's words were parsed as props, they could become other attributes.
        self._copy.props["data-details"] = self._details(problem)
        self._copy.update()
        self.props["data-code"] = problem.code
        self.update()
        self.set_visibility(True)

    def show_at_rest(self, at_rest: bool) -> None:
        """Show the Retry button only while no session is running."""
        if at_rest != self._at_rest:
            self._at_rest = at_rest
            self._show_retry()

    def _show_retry(self) -> None:
        self._retry.set_visibility(self._at_rest and self.problem is not None and self.problem.retry)

    def forget_event(self) -> None:
        """The inspector can no longer show the event."""
        self._offer_event(None)

    def _offer_event(self, number: int | None) -> None:
        self._number = number
        self._event.set_visibility(number is not None)

    def clear_codes(self, *codes: str) -> None:
        """Remove the problem if it is one of these."""
        if self.problem and self.problem.code in codes:
            self.problem = None
            self.props["data-code"] = ""
            self.set_visibility(False)

    def clear_by_state(self, phase: str) -> None:
        """Remove what a connection that is stable shows to be over; the session is in this phase."""
        if phase == "reconnecting":
            self.stop()
        elif phase == "listening" and self._phase == "reconnecting":
            self._connecting = asyncio.get_running_loop().call_later(HELD_SECONDS, self.clear_codes, *BY_CONNECTING)
        elif phase == "listening" and self._phase == "connecting":
            self.clear_codes(*BY_CONNECTING)
        self._phase = phase

    def clear_by_item(self, item: Item) -> None:
        """Something was heard or is being answered: what went wrong in the turn before is over."""
        if item.role == "user" and item.status == "completed":
            self.clear_codes(*BY_A_MESSAGE)
        if item.role == "user" and item.text:
            self.clear_codes(*BY_A_TRANSCRIPT)
        elif item.role == "assistant" and item.text and item.status == "in_progress":
            self.clear_codes(*BY_A_REPLY)

    def stop(self) -> None:
        """Stop the timer."""
        if self._connecting:
            self._connecting.cancel()
            self._connecting = None

    def dismiss(self) -> None:
        """The user dismissed it."""
        if self.problem:
            self.clear_codes(self.problem.code)
            self._on_dismiss()

    def _handle_show_event(self) -> None:
        if self._number is not None:
            self.on_show_event(self._number)

    def _handle_successor(self) -> None:
        if self.problem and self.on_successor:
            successor = self.problem.facts["successor"]
            self.dismiss()
            self.on_successor(successor)

    def _handle_half_duplex(self) -> None:
        self.dismiss()
        if self.on_half_duplex:
            self.on_half_duplex()

    def _details(self, problem: Problem) -> str:
        """Details for a report: codes and the server's message, redacted. No audio, keys or conversation text."""
        lines = (
            f"code: {problem.code} ({self._times} times)",
            f"cause: {messages.cause(problem)}",
            f"details: {problem.detail or 'none'}",
            f"facts: {', '.join(f'{name}={value}' for name, value in problem.facts.items()) or 'none'}",
            f"server: {self._about()}",
            _versions(),
        )
        return "\n".join(lines)


@cache
def _versions() -> str:
    """Read once: reading it from the disk blocks the event loop for 14 ms."""
    return ", ".join(f"{package} {_version(package)}" for package in ("voice-ui", "nicegui", "websockets"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout that is not installed
        return "(not installed)"
