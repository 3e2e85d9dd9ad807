"""Offers the models of an Ollama on this machine, to write the replies in place of the built-in ones."""

from __future__ import annotations

from nicegui import ui

from voice_ui.offline.ollama import LocalModels
from voice_ui.page.block import Block


class OllamaOffer(Block):
    """Invisible until an Ollama was found."""

    def __init__(self, models: LocalModels) -> None:
        super().__init__()
        self._models = models
        self.classes("vp-offer").props("data-testid=ollama").set_visibility(False)
        with self:
            self._words = ui.label()
            with ui.element("div").classes("vp-offer-actions"):
                self._names = ui.select([], label="Model").props("outlined dense options-dense")
                self._use = ui.button("Use it", color=None, on_click=self._handle_use)
                self._use.props("outline dense no-caps")
                self._leave = ui.button("Back to built-in replies", color=None, on_click=lambda: models.choose(""))
                self._leave.props("outline dense no-caps")
        self._names.on_value_change(self.show)

    async def look(self) -> None:
        """Ask Ollama for its models, and offer them."""
        names = await self._models.find()
        if not names and not self._models.chosen:
            return
        known = self._models.chosen
        names = names if not known or known in names else [known, *names]
        self._names.set_options(names, value=known or names[0])
        self._names.set_visibility(len(names) > 1)
        self.set_visibility(True)
        self.show()

    def show(self) -> None:
        """Show what is chosen now."""
        name, chosen = self._names.value, self._models.chosen
        self._words.set_text(f"Ollama is running at {self._models.place}. One of its models can write the replies.")
        self._words.set_visibility(not chosen)
        self._use.set_text(f"Use {name}")
        self._use.set_visibility(name != chosen)
        self._leave.set_visibility(bool(chosen))

    def _handle_use(self) -> None:
        self._models.choose(self._names.value)
