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
    file, folder = certificates()
    for setting, path, exists in (("SSL_CERT_FILE", file, Path.is_file), ("SSL_CERT_DIR", folder, Path.is_dir)):
        if path and not exists(Path(path)):
            raise Refused("certificates-missing", f"{path} does not exist", setting=setting, server=server)
    try:
        return _context(file, folder)
    except (OSError, ssl.SSLError) as error:
        setting = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise Refused("certificates-missing", f"{file or folder}: {reason}", setting=setting, server=server) from error


@cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    if file or folder:
        return ssl.create_default_context(cafile=file, capath=folder)
    client = ssl.create_default_context()
    with suppress(OSError):  # a slim container has no certificates of its own, a company's machine has more
        client.load_verify_locations(certifi.where())
    return client
