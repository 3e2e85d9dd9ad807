"""Which realtime server to connect to: its address, headers, dialect, prices and display name. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import quote, urlsplit

from voice_ui import base_url, models
from voice_ui.models import Prices
from voice_ui.protocol import Dialect, SessionConfig
from voice_ui.settings import Secret, Settings

OPENAI_HOST = "api.openai.com"
OPENAI_HOSTS = (OPENAI_HOST, "eu.api.openai.com", "us.api.openai.com")

AZURE_PREVIEW_VERSION = "2025-04-01-preview"
"""The last api-version of Azure's beta address."""

OFFLINE = "offline practice server"
LOCAL = "local server"
"""The same with a chat model behind it."""

NOISE_REDUCTION = {"near": "near_field", "far": "far_field", "off": "off"}
"""What the settings call it, and what the wire does."""

RETENTION_RATIO = 0.8
"""The share of a conversation that is kept when it becomes too long for the model. Shortened seldom, and not at every
turn, it stays in OpenAI's cache, where input costs a tenth or less (protocol facts, section 10.1)."""

_HTTP = {"ws": "http", "wss": "https"}


@dataclass(frozen=True)
class Endpoint:
    """Address, headers, model and prices of one realtime server."""

    name: str
    """Display name."""
    url: str = field(repr=False)
    """A ws:// or wss:// URL with the model in its query. May contain a key."""
    model: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    """Sent with the handshake. All values are treated as secrets and hidden in repr()."""
    dialect: Dialect | None = None
    """None to detect it from the server's first event."""
    setting: str = "OPENAI_BASE_URL"
    """The name of the setting that holds the address."""
    is_openai: bool = False
    needs_key: bool = False
    prices: Prices | None = None
    """None if unknown."""

    @classmethod
    def openai(cls, key: str | Secret, model: str = models.DEFAULT) -> Self:
        """Return OpenAI's own server."""
        return cls.compatible(f"https://{OPENAI_HOST}/v1", model, key)

    @classmethod
    def azure(
        cls,
        resource: str,
        deployment: str,
        key: str | Secret | None,
        *,
        dialect: Dialect | None = None,
        setting: str = "AZURE_OPENAI_ENDPOINT",
    ) -> Self:
        """Return a deployment on Azure OpenAI; `resource` is its name, or any address the portal shows for it.

        In GA, the deployment replaces the model; with an api-version, Azure answers 401. Beta needs an api-version.
        The prices are unknown: a deployment's name does not tell which model it runs. VOICE_UI_PRICES may.
        """
        found = base_url.azure(resource if "://" in resource else f"https://{resource}.openai.azure.com")
        deployment = deployment or found.model or models.DEFAULT
        headers = {}
        if key := key or found.key:
            headers["api-key"] = _secret(key)
        elif found.credentials:
            headers["Authorization"] = _basic(found.credentials)
        if dialect is Dialect.BETA:
            version = found.api_version or AZURE_PREVIEW_VERSION
            beta = base_url.BaseUrl(f"{found.root}/openai")
            url = beta.realtime(api_version=version, deployment=deployment)
        else:
            url = base_url.BaseUrl(f"{found.root}/openai/v1").realtime(model=deployment)
        return cls("Azure OpenAI", url, deployment, headers, dialect or Dialect.GA, setting, needs_key=True)

    @classmethod
    def compatible(
        cls,
        url: str,
        model: str,
        key: str | Secret | None = None,
        *,
        dialect: Dialect | None = None,
        headers: Mapping[str, Secret] | None = None,
    ) -> Self:
        """Return a compatible server at `url`, such as http://localhost:8080/v1.

        `model` may be empty if the URL contains one. `headers` are added to the request.
        """
        host = urlsplit(url).hostname or url
        is_openai = host in OPENAI_HOSTS
        found = base_url.compatible(f"{url.rstrip('/')}/v1" if is_openai and _has_no_path(url) else url)
        model = model or found.model or models.DEFAULT
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = Secret(f"Bearer {_secret(key).reveal()}")
        elif found.credentials:
            sent["Authorization"] = _basic(found.credentials)
        dialect = dialect or (Dialect.GA if is_openai else None)
        if dialect is Dialect.BETA:
            sent["OpenAI-Beta"] = Secret("realtime=v1", confidential=False)
        return cls(
            "OpenAI" if is_openai else host,
            found.realtime(model=model),
            model,
            sent,
            dialect,
            is_openai=is_openai,
            needs_key=is_openai,
            prices=models.known(model).prices if is_openai else None,
        )

    @property
    def facts(self) -> dict[str, str]:
        """The facts that messages about this server use (errors.ENDPOINT_FACTS)."""
        return {"server": self.name, "model": self.model, "address": self.setting}

    @property
    def writes_what_it_hears(self) -> bool:
        """Whether the model answers the written question; OpenAI's hears it, and another model writes it down."""
        return self.name in {OFFLINE, LOCAL}

    @property
    def calls_url(self) -> str:
        """The URL for WebRTC calls."""
        parts = urlsplit(self.url)
        return f"{_HTTP[parts.scheme]}://{parts.netloc}{parts.path}/calls"

    @property
    def models_url(self) -> str:
        """The URL that describes the model: GET it with the same headers. Free of charge."""
        parts = urlsplit(self.url)
        base = f"{_HTTP[parts.scheme]}://{parts.netloc}{parts.path.removesuffix('/realtime')}"
        return f"{base}/models/{quote(self.model, safe='')}"


def chosen(settings: Settings, model: str | None = None) -> Endpoint | None:
    """Return the server the settings name, for the model they name unless another is given; None if offline."""
    endpoint = None if settings.offline else _named(settings, model or settings.model)
    if endpoint and settings.prices:
        return replace(endpoint, prices=settings.prices.of(endpoint.model, endpoint.prices))
    return endpoint


def key_source(settings: Settings) -> str:
    """Return the name of the setting whose key is sent, and where it was found; "none" without a key."""
    name = _key_setting(settings)
    return f"{name} (from {settings.sources[name]})" if name in settings.sources else "none"


def key_in_short(settings: Settings) -> str:
    """Return the source of the key and its last four characters, for the server's own log."""
    is_azures = _key_setting(settings) == "AZURE_OPENAI_API_KEY"
    key = settings.azure_openai_api_key if is_azures else settings.openai_api_key
    return f"{key_source(settings)} {key!r}" if key else "none"


def _key_setting(settings: Settings) -> str:
    is_azure = settings.azure_openai_endpoint or (
        base_url.is_azure(settings.openai_base_url) and settings.azure_openai_api_key
    )
    return "AZURE_OPENAI_API_KEY" if is_azure else "OPENAI_API_KEY"


def _named(settings: Settings, model: str) -> Endpoint | None:
    dialect = None if settings.dialect == "auto" else Dialect(settings.dialect)
    if settings.azure_openai_endpoint:
        key = settings.azure_openai_api_key
        return Endpoint.azure(settings.azure_openai_endpoint, model, key, dialect=dialect)
    base, key = settings.openai_base_url, settings.openai_api_key
    if base_url.is_azure(base):
        key = settings.azure_openai_api_key or key
        return Endpoint.azure(base, model, key, dialect=dialect, setting="OPENAI_BASE_URL")
    # A key may be in the environment for everything else that needs one; who names a chat server means this program.
    means_chat = settings.chat_url and "OPENAI_BASE_URL" not in settings.sources
    if urlsplit(base).hostname == OPENAI_HOST and (means_chat or not key):
        return None
    headers = {}
    if settings.openai_org_id:
        headers["OpenAI-Organization"] = Secret(settings.openai_org_id)
    if settings.openai_project_id:
        headers["OpenAI-Project"] = Secret(settings.openai_project_id)
    return Endpoint.compatible(base, model, key, dialect=dialect, headers=headers)


def offline(url: str, settings: Settings, *, has_chat: bool = False) -> Endpoint:
    """Return the server of this machine that listens at `url`; it costs nothing. `has_chat`: a chat model answers."""
    name = LOCAL if settings.chat_url or has_chat else OFFLINE
    return Endpoint(name, f"{url}?model={quote(settings.model, safe='')}", "", prices=models.FREE)


def config_of(settings: Settings) -> SessionConfig:
    """Return what these settings ask of the model."""
    return SessionConfig(
        instructions=settings.instructions,
        turn_detection=settings.turn_detection,
        silence_ms=settings.silence_ms,
        transcription_model=None if settings.transcription_model == "none" else settings.transcription_model,
        barge_in=settings.barge_in,
        threshold=settings.threshold,
        eagerness=settings.eagerness,
        languages=settings.languages,
        keywords=settings.keywords,
        transcription_prompt=settings.transcription_prompt,
        noise_reduction=NOISE_REDUCTION.get(settings.noise_reduction or ""),
        max_output_tokens=settings.max_output_tokens,
        truncation=_truncation(settings),
        output=settings.output,
        voice=settings.voice,
        speed=settings.speed,
        reasoning_effort=None if settings.reasoning_effort == "none" else settings.reasoning_effort,
    )


def _truncation(settings: Settings) -> str | dict[str, Any] | None:
    """Return how long conversations are shortened; servers other than OpenAI's are asked for nothing special."""
    chosen_here = settings.truncation
    if chosen_here is None:
        endpoint = chosen(settings)
        chosen_here = RETENTION_RATIO if endpoint and endpoint.is_openai else None
    if isinstance(chosen_here, float):
        return {"type": "retention_ratio", "retention_ratio": chosen_here}
    return chosen_here


def suited(config: SessionConfig, endpoint: Endpoint) -> SessionConfig:
    """Return `config` without what the model would refuse."""
    return config if models.known(endpoint.model).reasoning else replace(config, reasoning_effort=None)


def notice(settings: Settings) -> str:
    """Return why a server of this machine answers and how to change that; empty if another server does."""
    if chosen(settings):
        return ""
    if settings.chat_url:
        return chat_notice("the chat model", settings.chat_url)
    if settings.offline:
        reason, fix = "started with --offline", "To use OpenAI, start without --offline"
    elif settings.azure_openai_api_key:
        reason = "AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not"
        fix = "Add AZURE_OPENAI_ENDPOINT=… to .env.local and restart"
    else:
        reason = "no OPENAI_API_KEY found, neither in the environment nor in .env.local"
        fix = "To use OpenAI, add OPENAI_API_KEY=… to .env.local and restart"
    return (
        f"Practice mode: {reason}. The practice server understands short, clear English and gives built-in replies. "
        f"Try “what time is it” or “what is seven plus five”. {fix}."
    )


def chat_notice(model: str, url: str) -> str:
    """Return what answers where a chat model does."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    return f"Local server: {model} at {place} answers. This machine recognizes and speaks English."


def _has_no_path(url: str) -> bool:
    return not urlsplit(url).path.strip("/")


def _secret(key: str | Secret) -> Secret:
    return key if isinstance(key, Secret) else Secret(key)


def _basic(credentials: str) -> Secret:
    """Return the header for `user:password` (RFC 7617)."""
    return Secret(f"Basic {base64.b64encode(credentials.encode()).decode()}")
