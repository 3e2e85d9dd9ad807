"""The chat models that an Ollama on this machine has, of which the owner may let one answer."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.chat.ollama import ollama_available
from voice_ui.offline.defaults import default_brain
from voice_ui.offline.parts import Parts


class LocalModels:
    """The choice holds for all sessions of a practice server, from their next reply on, until the program ends."""

    def __init__(self, parts: Parts, address: str) -> None:
        """`address` is where Ollama listens, such as http://localhost:11434."""
        self.chosen = ""
        """The model that answers; empty for the built-in replies."""
        self.on_change: list[Callable[[], object]] = []
        """Called after each choice."""
        self._parts = parts
        self._address = address

    @property
    def place(self) -> str:
        """Host and port of the Ollama, for people to read."""
        return urlsplit(self._address).netloc

    @property
    def endpoint(self) -> ChatEndpoint:
        """The chat endpoint of the chosen model."""
        return ChatEndpoint(self._address, self.chosen)

    async def find(self) -> list[str]:
        """Return the models to choose from, the newest first; empty if no Ollama answers."""
        return await ollama_available(self._address)

    def choose(self, model: str) -> None:
        """Let `model` answer; an empty name goes back to the built-in replies."""
        self.chosen = model
        self._parts.brain = default_brain(self.endpoint if model else None)
        for each in list(self.on_change):
            each()
