"""Whether an Ollama runs on this machine, so that the page can offer it. It is never used without being asked for."""

from __future__ import annotations

from typing import Any

SECONDS = 1.0


async def ollama_available(address: str) -> list[str]:
    """Return the names of the chat models that the Ollama at `address` runs, the newest first; empty if there is none.

    (https://docs.ollama.com/api/tags)
    """
    import httpx

    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as web:
            response = await web.get(f"{address}/api/tags")
            return [str(model["name"]) for model in response.json()["models"] if _chats_here(model)]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError):
        return []


def _chats_here(model: dict[str, Any]) -> bool:
    """Whether a model answers, rather than makes embeddings, and runs on that machine, not in Ollama's cloud."""
    details = model.get("details") or {}
    return not model.get("remote_host") and "bert" not in str(details.get("family") or "")
