"""What is wrong and how to cure it, on the page until it is dismissed or cured."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from voice_ui.errors import Problem


class ErrorCard(ui.element):
    """Shows one problem at a time, the newest; the same one again is counted, not stacked."""

    def __init__(self, *, on_dismiss: Callable[[], None]) -> None:
        super().__init__("section")
        self.problem: Problem | None = None
        self._times = 0
        self._on_dismiss = on_dismiss
        self.classes("error-card").props('role=alert data-testid=error data-code=""').set_visibility(False)
        with self:
            ui.icon("error_outline").classes("error-icon")
            with ui.element("div").classes("error-words"):
                self._cause = ui.label().classes("error-cause")
                self._fix = ui.label()
                self._code = ui.label().classes("error-code")
            ui.button(icon="close", on_click=self.dismiss, color=None).props('flat round dense aria-label="Dismiss"')

    def show(self, problem: Problem) -> None:
        """Put `problem` on the page."""
        repeated = self.problem is not None and self.problem.code == problem.code
        self._times = self._times + 1 if repeated else 1
        self.problem = problem
        self._cause.set_text(problem.cause)
        self._fix.set_text(problem.fix)
        count = f" · {self._times} times" if self._times > 1 else ""
        detail = f" · {problem.detail}" if problem.detail else ""
        self._code.set_text(f"{problem.code}{count}{detail}")
        self.props["data-code"] = problem.code
        self.update()
        self.set_visibility(True)

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
