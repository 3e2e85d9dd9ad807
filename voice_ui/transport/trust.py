"""Which certificates are trusted: those of the system and of certifi, or what SSL_CERT_FILE or SSL_CERT_DIR names."""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import cache
from pathlib import Path

import certifi

from voice_ui.errors import Refused
from voice_ui.settings import certificates


def context(server: str) -> ssl.SSLContext:
    """Return what a client needs for TLS. It takes 40 ms the first time: not on the event loop.

    Raises Refused if SSL_CERT_FILE or SSL_CERT_DIR names nothing that can be used; `server` is how the page calls the
    other end.
    """
    file, folders = certificates()
    if file and not Path(file).is_file():
        raise Refused("certificates-missing", f"{file} does not exist", setting="SSL_CERT_FILE", server=server)
    if folders and not any(Path(folder).is_dir() for folder in folders):
        detail = f"{', '.join(folders)} does not exist"
        raise Refused("certificates-missing", detail, setting="SSL_CERT_DIR", server=server)
    try:
        return _context(file, folders)
    except (OSError, ssl.SSLError) as error:
        setting = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        detail = f"{file or ', '.join(folders)}: {reason}"
        raise Refused("certificates-missing", detail, setting=setting, server=server) from error


@cache
def _context(file: str | None, folders: tuple[str, ...]) -> ssl.SSLContext:
    if file or folders:
        # A context for which nothing is named would trust the system's.
        client = ssl.create_default_context(cafile=file, capath=None if file else folders[0])
        for folder in folders:
            client.load_verify_locations(capath=folder)
        return client
    client = ssl.create_default_context()
    with suppress(OSError):  # a slim container has no certificates of its own, a company's machine has more
        client.load_verify_locations(certifi.where())
    return client
