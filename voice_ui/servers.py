"""Which realtime server is spoken to: its address, its headers and the name people know it by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from voice_ui.settings import Secret, Settings

OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True)
class Endpoint:
    """One realtime server, ready to be connected to."""

    name: str
    """How the page calls it."""
    url: str
    """ws:// or wss://, with the model in the query."""
    model: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    """Sent with the handshake; secrets, all of them, so that no repr shows one."""


def chosen(settings: Settings) -> Endpoint | None:
    """Return the server the settings name, None if that is the offline practice server."""
    if settings.offline:
        return None
    if settings.azure_openai_endpoint:
        return _azure(settings, settings.azure_openai_endpoint)
    host = urlsplit(settings.openai_base_url).hostname
    if host == OPENAI_HOST and not settings.openai_api_key:
        return None
    return _compatible(settings, "OpenAI" if host == OPENAI_HOST else str(host))


def offline(url: str, settings: Settings) -> Endpoint:
    """Return the practice server that listens at `url`."""
    return Endpoint("offline practice server", f"{url}?model={quote(settings.model, safe='')}", "no model")


def notice(settings: Settings) -> str:
    """Say who answers and why, where that is the practice server; empty otherwise."""
    if chosen(settings):
        return ""
    reason = (
        "--offline was given"
        if settings.offline
        else "there is no OPENAI_API_KEY, neither in the environment nor in .env.local"
    )
    cure = "start without --offline" if settings.offline else "write OPENAI_API_KEY=… into .env.local and restart"
    return (
        f"The offline practice server answers, because {reason}. It understands short, clear English, knows the time, "
        f"the date and arithmetic, and reads back the rest; it is no language model. To talk to OpenAI, {cure}."
    )


def _compatible(settings: Settings, name: str) -> Endpoint:
    headers = {}
    if settings.openai_api_key:
        headers["Authorization"] = Secret(f"Bearer {settings.openai_api_key.reveal()}")
    if settings.openai_org_id:
        headers["OpenAI-Organization"] = Secret(settings.openai_org_id)
    if settings.openai_project_id:
        headers["OpenAI-Project"] = Secret(settings.openai_project_id)
    return Endpoint(name, realtime_url(settings.openai_base_url, settings.model), settings.model, headers)


def _azure(settings: Settings, endpoint: str) -> Endpoint:
    """Azure OpenAI in GA: the deployment as model, no api-version (leaving one in the address gives 401)."""
    headers = {}
    if settings.azure_openai_api_key:
        headers["api-key"] = settings.azure_openai_api_key
    base = endpoint if endpoint.endswith("/openai/v1") else f"{endpoint}/openai/v1"
    return Endpoint("Azure OpenAI", realtime_url(base, settings.model), settings.model, headers)


def realtime_url(base: str, model: str) -> str:
    """Return the websocket address of the realtime endpoint below `base`, an http(s) or ws(s) address."""
    parts = urlsplit(base.rstrip("/"))
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path.endswith("/realtime") else f"{parts.path}/realtime"
    query = f"{parts.query}&" if parts.query else ""
    return f"{scheme}://{parts.netloc}{path}?{query}model={quote(model, safe='')}"
