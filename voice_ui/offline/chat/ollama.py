"""Whether an Ollama runs on this machine, so that the page can offer it. It is never used without being asked for."""

from __future__ import annotations

ADDRESS = "http://localhost:11434"
"""Where Ollama listens unless it is told otherwise."""

URL = f"{ADDRESS}/v1"
"""What to set VOICE_UI_CHAT_URL to."""

SECONDS = 1.0


async def ollama_available() -> list[str]:
    """Return the names of the models an Ollama on its usual port has, the newest first; empty if there is none."""
    import httpx

    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as web:
            response = await web.get(f"{ADDRESS}/api/tags")
            models = response.json()["models"]
            return [str(model["name"]) for model in models]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []
