"""What is wrong and how to cure it, on the page until it is dismissed or cured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from nicegui import ui

from voice_ui.errors import Problem
from voice_ui.page import messages

COPY = """async e => {
    const words = e.currentTarget.querySelector(".block");
    try { await Quasar.copyToClipboard(e.currentTarget.dataset.details); words.textContent = "Copied"; }
    catch { words.textContent = "The browser would not copy"; }
    setTimeout(() => { words.textContent = "Copy details"; }, 2000);
}"""


class ErrorCard(ui.element):
    """Shows one problem at a time, the newest; the same one again is counted, not stacked."""

    def __init__(
        self,
        *,
        retry: str,
        on_dismiss: Callable[[], object],
        on_successor: Callable[[str], object],
        on_show_event: Callable[[int], object],
        about: str,
    ) -> None:
        """`retry` is the `js_handler` of the retry button, `about` goes into the details that can be copied."""
        super().__init__("section")
        self.problem: Problem | None = None
        self._number: int | None = None  # of the event that caused it, while the inspector can show that
        self._times = 0
        self._at_rest = True
        self._on_dismiss = on_dismiss
        self._on_successor = on_successor
        self._on_show_event = on_show_event
        self._about = about
        self.classes("error-card").props('role=alert data-testid=error data-code=""').set_visibility(False)
        with self:
            ui.icon("error_outline").classes("error-icon")
            with ui.element("div").classes("error-words"):
                self._cause = ui.label().classes("error-cause")
                self._fix = ui.label()
                self._code = ui.label().classes("error-code")
                with ui.element("div").classes("error-actions"):
                    self._retry = self._action("Retry", "retry").on("click", js_handler=retry)
                    self._successor = self._action("", "successor").on("click", self._handle_successor)
                    self._event = self._action("Show event", "show-event").on("click", self._handle_show_event)
                    self._copy = self._action("Copy details", "copy")
                    self._copy.on("click", js_handler=COPY)
            ui.button(icon="close", on_click=self.dismiss, color=None).props('flat round dense aria-label="Dismiss"')

    def _action(self, label: str, testid: str) -> ui.button:
        return ui.button(label, color=None).props(f"outline dense no-caps data-testid={testid}")

    def show(self, problem: Problem, number: int | None = None) -> None:
        """Put `problem` on the page; `number` is that of the event that caused it, if the inspector can show it."""
        repeated = self.problem is not None and self.problem.code == problem.code
        self._times = self._times + 1 if repeated else 1
        self.problem = problem
        self._cause.set_text(messages.cause(problem))
        self._fix.set_text(messages.fix(problem))
        count = f" · {self._times} times" if self._times > 1 else ""
        self._code.set_text(f"{problem.code}{count}")
        self._show_retry()
        self._offer_event(number)
        successor = problem.facts.get("successor", "")
        self._successor.set_text(f"Use {successor}")
        self._successor.set_visibility(bool(successor))
        # Props are set as they are: a server's words parsed as props could become other attributes.
        self._copy.props["data-details"] = self._details(problem)
        self._copy.update()
        self.props["data-code"] = problem.code
        self.update()
        self.set_visibility(True)

    def show_at_rest(self, at_rest: bool) -> None:
        """While something is under way there is nothing to start again."""
        self._at_rest = at_rest
        self._show_retry()

    def _show_retry(self) -> None:
        self._retry.set_visibility(self._at_rest and self.problem is not None and self.problem.retry)

    def forget_event(self) -> None:
        """The inspector can show it no longer."""
        self._offer_event(None)

    def _offer_event(self, number: int | None) -> None:
        self._number = number
        self._event.set_visibility(number is not None)

    def cure(self, *codes: str) -> None:
        """Take the problem away if it is one of these."""
        if self.problem and self.problem.code in codes:
            self.problem = None
            self.props["data-code"] = ""
            self.set_visibility(False)

    def dismiss(self) -> None:
        """The person has read it."""
        if self.problem:
            self.cure(self.problem.code)
            self._on_dismiss()

    def _handle_show_event(self) -> None:
        if self._number is not None:
            self._on_show_event(self._number)

    def _handle_successor(self) -> None:
        if self.problem:
            successor = self.problem.facts["successor"]
            self.dismiss()
            self._on_successor(successor)

    def _details(self, problem: Problem) -> str:
        """For a report: codes and the server's words, redacted; no audio, no key, nothing of what was said."""
        lines = (
            f"code: {problem.code} ({self._times} times)",
            f"cause: {messages.cause(problem)}",
            f"details: {problem.detail or 'none'}",
            f"facts: {', '.join(f'{name}={value}' for name, value in problem.facts.items()) or 'none'}",
            f"with: {self._about}",
            _versions(),
        )
        return "\n".join(lines)


@cache
def _versions() -> str:
    """Looked up once: to read it from the disk holds up everybody for 14 ms."""
    return ", ".join(f"{package} {version(package)}" for package in ("voice-ui", "nicegui", "websockets"))
