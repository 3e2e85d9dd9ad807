"""Reads the settings: the command line wins over the environment, that over `.env.local`, that over the default."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from voice_ui import base_url
from voice_ui.errors import SettingsError
from voice_ui.settings.proxies import plain_address
from voice_ui.settings.settings import OPTIONS, SETTINGS, Setting, Settings

OURS = "VOICE_UI_"

COMMAND_LINE, ENVIRONMENT, ENV_FILE = "the command line", "the environment", ".env.local"
"""Where a setting may come from; the first of them wins."""


def read(arguments: argparse.Namespace, environ: Mapping[str, str], env_file: Mapping[str, str | None]) -> Settings:
    """Return the settings of these three sources; raises SettingsError with a line for each that is not allowed."""
    environ = {name: value for name, value in environ.items() if not _is_of_kubernetes(name, value)}
    places = {
        COMMAND_LINE: {name: getattr(arguments, option) for name, option in OPTIONS.items()},
        ENVIRONMENT: environ,
        ENV_FILE: env_file,
    }
    wrong = [*_misspelt(environ, ENVIRONMENT), *_misspelt(env_file, ENV_FILE)]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        values[setting.field] = setting.default
        for source, given in places.items():
            if raw := (given.get(setting.name) or "").strip():  # set but empty is how shells say "not set"
                sources[setting.name] = source
                try:
                    values[setting.field] = setting.kind.parse(raw)
                except ValueError:
                    wrong.append(_refusal(setting, raw, source))
                break
    wrong += _take_from_platform(values, sources, environ)
    _take_model_from_address(values, sources)
    if wrong:
        raise SettingsError("\n".join(wrong))
    return Settings(**values, offline=arguments.offline, open_browser=not arguments.no_open, sources=sources)


def _is_of_kubernetes(name: str, value: str) -> bool:
    """Whether Kubernetes set it, for a service that happens to be named voice-ui."""
    return re.fullmatch(r"VOICE_UI_(SERVICE_(HOST|PORT.*)|PORT_\d+_(TCP|UDP).*)", name) is not None or (
        name == "VOICE_UI_PORT" and value.startswith(("tcp://", "udp://"))
    )


def _take_from_platform(values: dict[str, Any], sources: dict[str, str], environ: Mapping[str, str]) -> list[str]:
    """Take PORT and HOST, by which platforms say where to listen; ours win. Returns a line for a PORT that is none.

    Behind a proxy, who sets PORT wants to reach us from outside of this machine, or container.
    """
    port = environ.get("PORT", "").strip()
    if not port or "VOICE_UI_PORT" in sources:
        return []
    setting = next(setting for setting in SETTINGS if setting.name == "VOICE_UI_PORT")
    try:
        values["port"] = setting.kind.parse(port)
    except ValueError:
        return [f"PORT (from {ENVIRONMENT}) cannot be {port[:60]!r}; allowed: {setting.kind.allowed}"]
    sources["VOICE_UI_PORT"] = f"PORT in {ENVIRONMENT}"
    if values["behind_proxy"] and "VOICE_UI_HOST" not in sources:
        host = environ.get("HOST", "").strip()  # some shells put the name of the machine there
        values["host"] = host if plain_address(host) else "0.0.0.0"
    return []


def _take_model_from_address(values: dict[str, Any], sources: dict[str, str]) -> None:
    """A pasted address may name the model or deployment; VOICE_UI_MODEL wins over it."""
    if "VOICE_UI_MODEL" in sources:
        return
    if values["azure_openai_endpoint"]:
        name, named = "AZURE_OPENAI_ENDPOINT", base_url.azure(values["azure_openai_endpoint"]).model
    elif base_url.is_azure(values["openai_base_url"]):
        name, named = "OPENAI_BASE_URL", base_url.azure(values["openai_base_url"]).model
    else:
        name, named = "OPENAI_BASE_URL", base_url.compatible(values["openai_base_url"]).model
    if named:
        values["model"], sources["VOICE_UI_MODEL"] = named, f"{name} in {sources[name]}"


def _misspelt(given: Mapping[str, str | None], source: str) -> list[str]:
    """Return a line for each name that begins like ours but is unknown: it would be ignored without a word."""
    known = [setting.name.removeprefix(OURS) for setting in SETTINGS if setting.name.startswith(OURS)]
    wrong = []
    for name in given:
        if name.startswith(OURS) and name.removeprefix(OURS) not in known:
            near = difflib.get_close_matches(name.removeprefix(OURS), known, 1)
            hint = f"; did you mean {OURS}{near[0]}?" if near else ""
            wrong.append(f"{name[:60]} (from {source}) is not a setting{hint}")
    return wrong


def _refusal(setting: Setting, raw: str, source: str) -> str:
    # The value itself is shown only where it cannot be a secret; an address may hold a password, anywhere.
    hidden = setting.kind.is_secret or "@" in raw or "?" in raw
    shown = "is not valid" if hidden else f"cannot be {raw[:60]!r}"
    return f"{_place(setting.name, source)} {shown}; allowed: {setting.kind.allowed}"


def check_serving(settings: Settings) -> None:
    """Raise SettingsError with a line for each that the page cannot be served with, though it is allowed alone.

    Other programs that read the same file, such as `python -m voice_ui.measure`, do not care.
    """
    wrong, sources = [], settings.sources
    if not settings.share and not is_this_machine(settings.host):
        place = _place("VOICE_UI_HOST", sources.get("VOICE_UI_HOST", sources.get("VOICE_UI_PORT", "")))
        wrong.append(f"{place} would let other machines connect; add --share, or use an address such as 127.0.0.1")
    if settings.cert_key and not settings.cert:
        place = _place("VOICE_UI_CERT_KEY", sources["VOICE_UI_CERT_KEY"])
        wrong.append(f"{place} has no certificate; also set VOICE_UI_CERT or --cert")
    if settings.chat_model and not settings.chat_url:
        place = _place("VOICE_UI_CHAT_MODEL", sources["VOICE_UI_CHAT_MODEL"])
        wrong.append(f"{place} has no effect without VOICE_UI_CHAT_URL; allowed: only with it")
    for name, given in (
        ("VOICE_UI_BEHIND_PROXY", settings.behind_proxy),
        ("VOICE_UI_MAX_COST_PER_VISITOR", settings.max_cost_per_visitor),
    ):
        if given and not settings.share:
            wrong.append(f"{_place(name, sources[name])} has no effect without sharing; allowed: only with --share")
    if sources.get("VOICE_UI_CERT") == COMMAND_LINE and not settings.share:  # in a file it waits for the next --share
        wrong.append("--cert has no effect without --share; add --share or leave it out")
    if wrong:
        raise SettingsError("\n".join(wrong))


def _place(name: str, source: str) -> str:
    """Return where a value was given, as it is spelt there."""
    return "--" + OPTIONS[name].replace("_", "-") if source == COMMAND_LINE else f"{name} (from {source})"


def is_this_machine(host: str) -> bool:
    """Whether only this machine reaches that address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
