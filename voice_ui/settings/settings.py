"""The settings: their names, their defaults, and what each may be. NOTE: .env.local.example shows the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voice_ui import models
from voice_ui.settings import values
from voice_ui.settings.prices import ALLOWED as OWN_PRICES, OwnPrices, own_prices
from voice_ui.settings.proxies import Proxies, proxies
from voice_ui.settings.values import Kind, Secret

PROXIES = Kind(
    "addresses or networks of trusted proxies, such as 127.0.0.1 or 10.0.0.0/8, separated by commas; or * for any",
    proxies,
)


def _setting(name: str, default: Any, kind: Kind, option: str = "") -> Any:
    """Return the field of a setting with this name in the environment and in `.env.local`.

    `option` is the name of its option on the command line, if it has one.
    """
    return dataclasses.field(default=default, metadata={"name": name, "kind": kind, "option": option})


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen, and where each choice came from."""

    openai_api_key: Secret | None = _setting("OPENAI_API_KEY", None, values.secret)
    openai_base_url: str = _setting(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", values.url("an http(s) or ws(s) address")
    )
    openai_org_id: str | None = _setting("OPENAI_ORG_ID", None, values.header("an organization id, org-…"))
    openai_project_id: str | None = _setting("OPENAI_PROJECT_ID", None, values.header("a project id, proj_…"))
    azure_openai_endpoint: str | None = _setting(
        "AZURE_OPENAI_ENDPOINT", None, values.url("https://RESOURCE.openai.azure.com")
    )
    azure_openai_api_key: Secret | None = _setting("AZURE_OPENAI_API_KEY", None, values.secret)
    chat_url: str | None = _setting(
        "VOICE_UI_CHAT_URL", None, values.url("an http(s) address, such as http://localhost:11434/v1", "http", "https")
    )
    chat_model: str | None = _setting("VOICE_UI_CHAT_MODEL", None, values.header("the name of a model of that server"))
    chat_api_key: Secret | None = _setting("VOICE_UI_CHAT_API_KEY", None, values.secret)
    ollama_host: str = _setting("OLLAMA_HOST", "http://localhost:11434", values.ollama_host)
    model: str = _setting("VOICE_UI_MODEL", models.DEFAULT, values.header("the name of a realtime model"))
    dialect: str = _setting("VOICE_UI_DIALECT", "auto", values.one_of("auto", "ga", "beta"))
    transport: str = _setting("VOICE_UI_TRANSPORT", "websocket", values.one_of("websocket", "webrtc"))
    instructions: str | None = _setting("VOICE_UI_INSTRUCTIONS", None, Kind("any text", str))
    output: str = _setting("VOICE_UI_OUTPUT", "text", values.one_of("text", "audio"))
    voice: str | None = _setting(
        "VOICE_UI_VOICE", None, values.header("the name of one of the model's voices, such as marin or cedar")
    )
    speed: float | None = _setting("VOICE_UI_SPEED", None, values.between(0.25, 1.5))
    languages: tuple[str, ...] = _setting("VOICE_UI_LANGUAGE", (), values.languages)
    keywords: tuple[str, ...] = _setting("VOICE_UI_KEYWORDS", (), values.keywords)
    transcription_prompt: str | None = _setting("VOICE_UI_TRANSCRIPTION_PROMPT", None, values.prompt)
    noise_reduction: str | None = _setting("VOICE_UI_NOISE_REDUCTION", None, values.one_of("near", "far", "off"))
    turn_detection: str = _setting(
        "VOICE_UI_TURN_DETECTION", "server_vad", values.one_of("server_vad", "semantic_vad", "none")
    )
    silence_ms: int = _setting("VOICE_UI_SILENCE_MS", 500, values.whole(100, 5000))
    threshold: float = _setting("VOICE_UI_THRESHOLD", 0.5, values.between(0, 1))
    eagerness: str = _setting("VOICE_UI_EAGERNESS", "auto", values.eagerness)
    barge_in: str = _setting("VOICE_UI_BARGE_IN", "words", values.one_of("at-once", "words", "never"))
    transcription_model: str = _setting(
        "VOICE_UI_TRANSCRIPTION_MODEL",
        models.DEFAULT_TRANSCRIPTION,
        values.header("the name of a transcription model, or none"),
    )
    reasoning_effort: str = _setting(
        "VOICE_UI_REASONING_EFFORT", "low", values.one_of("none", "minimal", "low", "medium", "high", "xhigh")
    )
    max_output_tokens: int | str | None = _setting("VOICE_UI_MAX_OUTPUT_TOKENS", None, values.tokens)
    truncation: str | float | None = _setting("VOICE_UI_TRUNCATION", None, values.truncation)
    max_sessions: int = _setting("VOICE_UI_MAX_SESSIONS", 20, values.whole(1, 10_000))
    max_minutes: int = _setting("VOICE_UI_MAX_MINUTES", 60, values.whole(1, 1440))
    idle_minutes: int = _setting("VOICE_UI_IDLE_MINUTES", 5, values.whole(1, 1440))
    max_cost: float | None = _setting("VOICE_UI_MAX_COST", None, values.dollars)
    max_cost_per_visitor: float | None = _setting("VOICE_UI_MAX_COST_PER_VISITOR", None, values.dollars)
    max_cost_per_day: float | None = _setting("VOICE_UI_MAX_COST_PER_DAY", None, values.dollars)
    max_cost_total: float | None = _setting("VOICE_UI_MAX_COST_TOTAL", None, values.dollars)
    prices: OwnPrices | None = _setting("VOICE_UI_PRICES", None, Kind(OWN_PRICES, own_prices))
    tools: Path | None = _setting(
        "VOICE_UI_TOOLS", None, values.existing_file("a Python file with functions marked @tool"), "tools"
    )
    mcp: str | None = _setting(
        "VOICE_UI_MCP",
        None,
        Kind('NAME=COMMAND or NAME=URL, separated by semicolons; or a .json file with "mcpServers"', str),
    )
    tools_for_visitors: bool = _setting("VOICE_UI_TOOLS_FOR_VISITORS", False, values.switch)
    host: str = _setting("VOICE_UI_HOST", "127.0.0.1", values.host, "host")
    port: int = _setting("VOICE_UI_PORT", 8080, values.whole(1, 65_535), "port")
    share: bool = _setting("VOICE_UI_SHARE", False, values.switch, "share")
    cert: Path | None = _setting(
        "VOICE_UI_CERT", None, values.existing_file("a certificate file in PEM format"), "cert"
    )
    cert_key: Path | None = _setting(
        "VOICE_UI_CERT_KEY", None, values.existing_file("the certificate's key file in PEM format"), "key"
    )
    behind_proxy: Proxies | None = _setting("VOICE_UI_BEHIND_PROXY", None, PROXIES, "behind_proxy")
    access_code: str | None = _setting("VOICE_UI_ACCESS_CODE", None, values.access_code)
    frame_ancestors: str | None = _setting("VOICE_UI_FRAME_ANCESTORS", None, values.frame_ancestors)
    redis_url: str | None = _setting("VOICE_UI_REDIS_URL", None, values.redis_url)
    secret: Secret | None = _setting("VOICE_UI_SECRET", None, values.long_secret)
    drain_seconds: int = _setting("VOICE_UI_DRAIN_SECONDS", 20, values.whole(0, 3600))
    native: bool = _setting("VOICE_UI_NATIVE", False, values.switch, "native")
    offline: bool = False
    open_browser: bool = True
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """For each setting that was given: the source whose word it is."""


@dataclass(frozen=True)
class Setting:
    """What is known of one field of `Settings`."""

    field: str
    default: Any
    name: str
    kind: Kind
    option: str


SETTINGS = tuple(
    Setting(each.name, each.default, **each.metadata) for each in dataclasses.fields(Settings) if each.metadata
)

OPTIONS = {each.name: each.option for each in SETTINGS if each.option}
"""Those that the command line has, too."""
