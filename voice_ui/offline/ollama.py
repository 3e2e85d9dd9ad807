"""An Ollama on this machine, and which of its models answers. None is used before the owner chooses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from voice_ui.offline.chat import ChatEndpoint
from voice_ui.offline.defaults import default_brain
from voice_ui.offline.parts import Parts

SECONDS = 1.0
"""For the list of models."""


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
        """Return the chat models to choose from, the newest first; empty if no Ollama answers.

        (https://docs.ollama.com/api/tags)
        """
        import httpx

        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as web:
                response = await web.get(f"{self._address}/api/tags")
                return [str(model["name"]) for model in response.json()["models"] if _chats_here(model)]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError):
            return []

    def choose(self, model: str) -> None:
        """Let `model` answer; an empty name goes back to the built-in replies."""
        self.chosen = model
        self._parts.brain = default_brain(self.endpoint if model else None)
        for each in list(self.on_change):
            each()


def _chats_here(model: dict[str, Any]) -> bool:
    """Whether a model answers, rather than makes embeddings, and runs on that machine, not in Ollama's cloud."""
    details = model.get("details") or {}
    return not model.get("remote_host") and "bert" not in str(details.get("family") or "")
