"""Ports: which one is free, and who holds one that is not."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from voice_ui.errors import SettingsError

MORE = 20
"""Ports after the usual one that are tried, too."""

_LISTENING = "0A"
"""The state in /proc/net/tcp (Linux, include/net/tcp_states.h: TCP_LISTEN)."""


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens and never blocks; raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        listener.setblocking(False)
        if sys.platform != "win32":  # there it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def free(addresses: Sequence[str], port: int, *, fixed: bool) -> int:
    """Return a port that is free on all addresses: `port`, or unless that is `fixed` one of the next.

    Raises SettingsError if there is none, with the name of who holds it where the system tells.
    """
    for candidate in range(port, min(port + (0 if fixed else MORE), 65_535) + 1):
        try:
            for address in addresses:
                listen(address, candidate).close()
            return candidate
        except OSError as error:
            if candidate == port:
                problem = f"cannot listen on {address} port {port} ({error.strerror or error}{held_by(port)})"
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise SettingsError(f"{problem}; choose another with --host") from None
    raise SettingsError(f"{problem}; choose another with --port")


def held_by(port: int) -> str:
    """Return ", held by …" for who listens on a port; empty where the system does not tell. Linux only."""
    with suppress(OSError):
        sockets = {f"socket:[{inode}]" for inode in _listening_on(port)}
        for handle in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):  # not ours to look at, or gone meanwhile
                if str(handle.readlink()) in sockets:
                    process = handle.parents[1]
                    name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                    shown = "".join(character if character.isprintable() else "?" for character in name)
                    return f", held by {shown}, process {process.name}"
    return ""


def _listening_on(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port of any address."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                found.add(inode)
    return found
