"""The secret of this installation, which signs what pages keep: made once, and the same after a restart."""

from __future__ import annotations

import logging
import secrets
import sys
from pathlib import Path

import platformdirs

BYTES = 32

_log = logging.getLogger("voice_ui.sharing")


def own_secret() -> bytes:
    """Return the secret in the state folder; one that ends with the process if it cannot be kept there."""
    path = platformdirs.user_state_path("voice-ui", appauthor=False) / "secret"
    try:
        return _read(path) or _make(path)
    except OSError as error:
        _log.info("no secret can be kept (%s): after a restart, the model does not know earlier conversations", error)
        return secrets.token_bytes(BYTES)


def _read(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return b""
    is_private = sys.platform == "win32" or not path.stat().st_mode & 0o077
    return found if len(found) == BYTES and is_private else b""


def _make(path: Path) -> bytes:
    """Write it; of two processes that do so at once, both use what stands there in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(secrets.token_bytes(BYTES))
    fresh.replace(path)
    return _read(path) or secrets.token_bytes(BYTES)
