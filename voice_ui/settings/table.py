"""The settings: their names, their defaults, and what is allowed. NOTE: .env.local.example shows the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voice_ui import models
from voice_ui.settings.prices import ALLOWED as OWN_PRICES, own_prices
from voice_ui.settings.proxies import proxies
from voice_ui.settings.values import (
    access_code,
    between,
    dollars,
    existing_file,
    frame_ancestors,
    header,
    keywords,
    languages,
    long_secret,
    ollama_host,
    one_of,
    prompt,
    redis_url,
    secret,
    switch,
    text,
    tokens,
    truncation,
    url,
    whole,
)


@dataclass(frozen=True)
class Setting:
    """One setting: its name in the environment and in `.env.local`, and what it may be."""

    name: str
    field: str
    default: Any
    parse: Callable[[str], Any]
    allowed: str


_DOLLARS = "an amount in US dollars, such as 0.50"
_KEY = "the key alone: visible ASCII characters, no spaces or quotes"

SETTINGS = (
    Setting("OPENAI_API_KEY", "openai_api_key", None, secret, _KEY),
    Setting("OPENAI_BASE_URL", "openai_base_url", "https://api.openai.com/v1", url, "an http(s) or ws(s) address"),
    Setting("OPENAI_ORG_ID", "openai_org_id", None, header, "an organization id, org-…"),
    Setting("OPENAI_PROJECT_ID", "openai_project_id", None, header, "a project id, proj_…"),
    Setting("AZURE_OPENAI_ENDPOINT", "azure_openai_endpoint", None, url, "https://RESOURCE.openai.azure.com"),
    Setting("AZURE_OPENAI_API_KEY", "azure_openai_api_key", None, secret, _KEY),
    Setting("VOICE_UI_CHAT_URL", "chat_url", None, url, "an http(s) address, such as http://localhost:11434/v1"),
    Setting("VOICE_UI_CHAT_MODEL", "chat_model", None, header, "the name of a model of that server"),
    Setting("VOICE_UI_CHAT_API_KEY", "chat_api_key", None, secret, _KEY),
    Setting("OLLAMA_HOST", "ollama_host", "http://localhost:11434", ollama_host, "where Ollama listens, HOST:PORT"),
    Setting("VOICE_UI_MODEL", "model", models.DEFAULT, header, "the name of a realtime model"),
    Setting("VOICE_UI_DIALECT", "dialect", "auto", one_of("auto", "ga", "beta"), "auto, ga, beta"),
    Setting("VOICE_UI_TRANSPORT", "transport", "websocket", one_of("websocket", "webrtc"), "websocket, webrtc"),
    Setting("VOICE_UI_INSTRUCTIONS", "instructions", None, text, "any text"),
    Setting("VOICE_UI_OUTPUT", "output", "text", one_of("text", "audio"), "text, audio"),
    Setting("VOICE_UI_VOICE", "voice", None, header, "the name of one of the model's voices, such as marin or cedar"),
    Setting("VOICE_UI_SPEED", "speed", None, between(0.25, 1.5), "a number from 0.25 to 1.5"),
    Setting(
        "VOICE_UI_LANGUAGE",
        "languages",
        (),
        languages,
        "an ISO 639-1 language code such as en or de, or several, separated by commas",
    ),
    Setting("VOICE_UI_KEYWORDS", "keywords", (), keywords, "up to 100 words or names, separated by commas"),
    Setting("VOICE_UI_TRANSCRIPTION_PROMPT", "transcription_prompt", None, prompt, "up to 1000 characters"),
    Setting("VOICE_UI_NOISE_REDUCTION", "noise_reduction", None, one_of("near", "far", "off"), "near, far, off"),
    Setting(
        "VOICE_UI_TURN_DETECTION",
        "turn_detection",
        "server_vad",
        one_of("server_vad", "semantic_vad", "none"),
        "server_vad, semantic_vad, none",
    ),
    Setting("VOICE_UI_SILENCE_MS", "silence_ms", 500, whole(100, 5000), "a whole number from 100 to 5000"),
    Setting("VOICE_UI_THRESHOLD", "threshold", 0.5, between(0, 1), "a number from 0 to 1"),
    Setting("VOICE_UI_EAGERNESS", "eagerness", "auto", one_of("low", "auto", "high"), "low, auto, high"),
    Setting("VOICE_UI_BARGE_IN", "barge_in", "words", one_of("at-once", "words", "never"), "at-once, words, never"),
    Setting(
        "VOICE_UI_TRANSCRIPTION_MODEL",
        "transcription_model",
        models.DEFAULT_TRANSCRIPTION,
        header,
        "the name of a transcription model, or none",
    ),
    Setting(
        "VOICE_UI_REASONING_EFFORT",
        "reasoning_effort",
        "low",
        one_of("none", "minimal", "low", "medium", "high", "xhigh"),
        "none, minimal, low, medium, high, xhigh",
    ),
    Setting("VOICE_UI_MAX_OUTPUT_TOKENS", "max_output_tokens", None, tokens, "a whole number from 1 to 4096, or inf"),
    Setting("VOICE_UI_TRUNCATION", "truncation", None, truncation, "auto, disabled, or a ratio from 0.1 to 1"),
    Setting("VOICE_UI_MAX_SESSIONS", "max_sessions", 20, whole(1, 10_000), "a whole number from 1 to 10000"),
    Setting("VOICE_UI_MAX_MINUTES", "max_minutes", 60, whole(1, 1440), "a whole number from 1 to 1440"),
    Setting("VOICE_UI_IDLE_MINUTES", "idle_minutes", 5, whole(1, 1440), "a whole number from 1 to 1440"),
    Setting("VOICE_UI_MAX_COST", "max_cost", None, dollars, _DOLLARS),
    Setting("VOICE_UI_MAX_COST_PER_VISITOR", "max_cost_per_visitor", None, dollars, _DOLLARS),
    Setting("VOICE_UI_MAX_COST_PER_DAY", "max_cost_per_day", None, dollars, _DOLLARS),
    Setting("VOICE_UI_MAX_COST_TOTAL", "max_cost_total", None, dollars, _DOLLARS),
    Setting("VOICE_UI_PRICES", "prices", None, own_prices, OWN_PRICES),
    Setting("VOICE_UI_TOOLS", "tools", None, existing_file, "a Python file with functions marked @tool"),
    Setting(
        "VOICE_UI_MCP",
        "mcp",
        None,
        text,
        'NAME=COMMAND or NAME=URL, separated by semicolons; or a .json file with "mcpServers"',
    ),
    Setting("VOICE_UI_TOOLS_FOR_VISITORS", "tools_for_visitors", False, switch, "yes, no"),
    Setting("VOICE_UI_HOST", "host", "127.0.0.1", header, "an address of this machine, such as 127.0.0.1"),
    Setting("VOICE_UI_PORT", "port", 8080, whole(1, 65_535), "a whole number from 1 to 65535"),
    Setting("VOICE_UI_SHARE", "share", False, switch, "yes, no"),
    Setting("VOICE_UI_CERT", "cert", None, existing_file, "a certificate file in PEM format"),
    Setting("VOICE_UI_CERT_KEY", "cert_key", None, existing_file, "the certificate's key file in PEM format"),
    Setting(
        "VOICE_UI_BEHIND_PROXY",
        "behind_proxy",
        None,
        proxies,
        "addresses or networks of trusted proxies, such as 127.0.0.1 or 10.0.0.0/8, separated by commas; or * for any",
    ),
    Setting("VOICE_UI_ACCESS_CODE", "access_code", None, access_code, "8 to 64 letters and digits"),
    Setting(
        "VOICE_UI_FRAME_ANCESTORS",
        "frame_ancestors",
        None,
        frame_ancestors,
        "sites such as https://example.com, separated by spaces; or * for any",
    ),
    Setting("VOICE_UI_REDIS_URL", "redis_url", None, redis_url, "redis://HOST:PORT/NUMBER, rediss://… or unix://…"),
    Setting("VOICE_UI_SECRET", "secret", None, long_secret, "16 or more visible ASCII characters, no spaces or quotes"),
    Setting("VOICE_UI_DRAIN_SECONDS", "drain_seconds", 20, whole(0, 3600), "a whole number from 0 to 3600"),
    Setting("VOICE_UI_NATIVE", "native", False, switch, "yes, no"),
)


OPTIONS = {
    "VOICE_UI_TOOLS": "tools",
    "VOICE_UI_HOST": "host",
    "VOICE_UI_PORT": "port",
    "VOICE_UI_SHARE": "share",
    "VOICE_UI_CERT": "cert",
    "VOICE_UI_CERT_KEY": "key",
    "VOICE_UI_BEHIND_PROXY": "behind_proxy",
    "VOICE_UI_NATIVE": "native",
}
"""Those that the command line has, too."""
