"""Which realtime server is spoken to: its address, its headers, its dialect and the name people know it by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from voice_ui.protocol import Dialect
from voice_ui.settings import Secret, Settings

OPENAI_HOST = "api.openai.com"
OPENAI_HOSTS = (OPENAI_HOST, "eu.api.openai.com", "us.api.openai.com")

AZURE_PREVIEW_VERSION = "2025-04-01-preview"
"""The last api-version of Azure's beta address."""


_HTTP = {"ws": "http", "wss": "https"}


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
    dialect: Dialect | None = None
    """None: as the server turns out to speak."""
    setting: str = "OPENAI_BASE_URL"
    """Where the address came from."""
    is_openai: bool = False
    needs_key: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What messages about this server name (errors.ENDPOINT_FACTS)."""
        return {"server": self.name, "model": self.model, "address": self.setting}

    @property
    def calls_url(self) -> str:
        """The address at which a WebRTC call is made."""
        parts = urlsplit(self.url)
        return f"{_HTTP[parts.scheme]}://{parts.netloc}{parts.path}/calls"

    @property
    def models_url(self) -> str:
        """The address that tells about the model: GET it with the same headers. It costs nothing."""
        parts = urlsplit(self.url)
        base = f"{_HTTP[parts.scheme]}://{parts.netloc}{parts.path.removesuffix('/realtime')}"
        return f"{base}/models/{quote(self.model, safe='')}"


def chosen(settings: Settings, model: str | None = None) -> Endpoint | None:
    """Return the server the settings name, for the model they name unless another is given; None if offline."""
    model = model or settings.model
    if settings.offline:
        return None
    if settings.azure_openai_endpoint:
        return _azure(settings, settings.azure_openai_endpoint, model)
    host = urlsplit(settings.openai_base_url).hostname
    if host == OPENAI_HOST and not settings.openai_api_key:
        return None
    return _compatible(settings, str(host), model)


def offline(url: str, settings: Settings) -> Endpoint:
    """Return the practice server that listens at `url`."""
    return Endpoint("offline practice server", f"{url}?model={quote(settings.model, safe='')}", "")


def notice(settings: Settings) -> str:
    """Say who answers and why, where that is the practice server; empty otherwise."""
    if chosen(settings):
        return ""
    if settings.offline:
        reason, cure = "--offline was given", "To talk to OpenAI, start without --offline"
    elif settings.azure_openai_api_key:
        reason = "there is an AZURE_OPENAI_API_KEY, but no AZURE_OPENAI_ENDPOINT"
        cure = "Write AZURE_OPENAI_ENDPOINT=… into .env.local and restart"
    else:
        reason = "there is no OPENAI_API_KEY, neither in the environment nor in .env.local"
        cure = "To talk to OpenAI, write OPENAI_API_KEY=… into .env.local and restart"
    return (
        "Say “what time is it” or “what is seven plus five”: the offline practice server answers, which understands "
        f"short, clear English and is no language model, because {reason}. {cure}."
    )


def _compatible(settings: Settings, host: str, model: str) -> Endpoint:
    is_openai = host in OPENAI_HOSTS
    headers = {}
    if settings.openai_api_key:
        headers["Authorization"] = Secret(f"Bearer {settings.openai_api_key.reveal()}")
    if settings.openai_org_id:
        headers["OpenAI-Organization"] = Secret(settings.openai_org_id)
    if settings.openai_project_id:
        headers["OpenAI-Project"] = Secret(settings.openai_project_id)
    dialect = _dialect(settings, is_openai=is_openai)
    if dialect is Dialect.BETA:
        headers["OpenAI-Beta"] = Secret("realtime=v1")
    url = realtime_url(settings.openai_base_url, model)
    name = "OpenAI" if is_openai else host
    return Endpoint(name, url, model, headers, dialect, is_openai=is_openai, needs_key=is_openai)


def _azure(settings: Settings, endpoint: str, model: str) -> Endpoint:
    """Azure OpenAI: in GA the deployment is the model and an api-version gives 401; in beta it must be there."""
    headers = {}
    if settings.azure_openai_api_key:
        headers["api-key"] = settings.azure_openai_api_key
    dialect = _dialect(settings, is_openai=False) or Dialect.GA
    resource = endpoint.removesuffix("/openai/v1").removesuffix("/openai")
    if dialect is Dialect.BETA:
        query = f"api-version={AZURE_PREVIEW_VERSION}&deployment={quote(model, safe='')}"
        url = f"{_websocket(resource)}/openai/realtime?{query}"
    else:
        url = realtime_url(f"{resource}/openai/v1", model)
    return Endpoint("Azure OpenAI", url, model, headers, dialect, "AZURE_OPENAI_ENDPOINT", needs_key=True)


def _dialect(settings: Settings, *, is_openai: bool) -> Dialect | None:
    """Return the dialect to begin with; None leaves it to what the server shows."""
    if settings.dialect != "auto":
        return Dialect(settings.dialect)
    return Dialect.GA if is_openai else None


def realtime_url(base: str, model: str) -> str:
    """Return the websocket address of the realtime endpoint below `base`, an http(s) or ws(s) address."""
    parts = urlsplit(_websocket(base.rstrip("/")))
    path = parts.path if parts.path.endswith("/realtime") else f"{parts.path}/realtime"
    query = f"{parts.query}&" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}?{query}model={quote(model, safe='')}"


def _websocket(url: str) -> str:
    scheme, rest = url.split("://", 1)
    scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    return f"{scheme}://{rest}"
