"""What `--share` adds: the room, its links and QR code, and the certificate."""

from __future__ import annotations

import asyncio
import io
import ssl
import textwrap
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import platformdirs
import segno

from voice_ui.errors import SettingsError
from voice_ui.settings import Proxies, Settings, is_this_machine
from voice_ui.sharing import certificate
from voice_ui.sharing.addresses import host_names, lan_addresses
from voice_ui.sharing.capacity import Capacity
from voice_ui.sharing.door import Door
from voice_ui.sharing.guard import is_served
from voice_ui.sharing.room import Room

WARNING = (
    "On the first visit, the browser warns that the connection is not private, because the certificate was made on "
    "this machine. Choose Advanced (iPhone: Show Details), then continue to the page."
)


class Share:
    """One demo, shared with those who get the link."""

    def __init__(self, chosen: Settings) -> None:
        """Find this machine's addresses and load or make a certificate; raises SettingsError."""
        self.room = Room(time.monotonic, chosen.access_code or "")
        self.port = chosen.port
        self.proxies = chosen.behind_proxy or Proxies()
        self.behind_proxy = bool(self.proxies)
        self._is_chosen_code = chosen.access_code is not None
        self.is_own_certificate = not (self.behind_proxy or chosen.cert)
        self.addresses = [] if self.behind_proxy else _addresses(chosen.host)
        """Where the server listens."""
        self._context: ssl.SSLContext | None = None
        self._hosts = self.addresses  # in the links
        names = [*host_names(), *self.addresses]
        if chosen.cert and not self.behind_proxy:
            self._context = certificate.context(chosen.cert, chosen.cert_key)
            certified = certificate.names_in(chosen.cert)
            self._hosts = [name for name in certified if "*" not in name and not is_this_machine(name)] or self._hosts
            names += certified
        elif self.addresses:
            self._context = certificate.context(_own_certificate(["localhost", "127.0.0.1", *names]))
        self.names = frozenset(name.lower() for name in names)
        """The hosts we answer to."""

    @property
    def links(self) -> list[str]:
        """The addresses to open, best first; none behind a proxy."""
        return [self._link(f"[{host}]" if ":" in host else host) for host in self._hosts]

    def _link(self, host: str) -> str:
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{host}{port}/?code={self.room.code}"

    @property
    def code(self) -> str:
        """The code in groups of four, easy to read aloud."""
        return "-".join(textwrap.wrap(self.room.code, 4))

    def in_words(self, encoding: str) -> str:
        """Return what to write into a terminal of that encoding."""
        if self.behind_proxy:
            # A code that the owner chose is known to them, and this may end up in a log that others read.
            code = "the value of VOICE_UI_ACCESS_CODE" if self._is_chosen_code else self.room.code
            return (
                f"\nShared behind the proxy ({self.proxies}). Append one of these to its https address:\n\n"
                f"  /?code={code}\n  /?owner={self.room.owner_key}   (only for you)\n\n"
            )
        if not self.links:
            return "\nNot shared: this machine has no network address.\n\n"
        warning = f"{textwrap.fill(WARNING, 80)}\n\n" if self.is_own_certificate else ""
        links = "\n".join(f"  {link}" for link in self.links)
        drawn = self._drawn(encoding)
        invitation = "Shared on this network. On the other device, open one of these addresses" + (
            ", or scan the code:" if drawn else ":"
        )
        return f"\n{invitation}\n\n{links}\n\n{drawn}\n{warning}"

    def _drawn(self, encoding: str) -> str:
        """Return the best link as a QR code made of half blocks; nothing where the terminal has none."""
        drawn = io.StringIO()
        segno.make(self.links[0], micro=False).terminal(drawn, border=2, compact=True)
        try:
            drawn.getvalue().encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return ""
        return drawn.getvalue()

    @property
    def qr_code(self) -> str:
        """The best link as SVG, black on white."""
        return segno.make(self.links[0], micro=False).svg_inline(omitsize=True, border=4, light="#fff")

    def door(
        self, protocol: Callable[[], asyncio.Protocol], capacity: Capacity, *, is_closing: Callable[[], bool]
    ) -> Door | None:
        """Return the door, unless a proxy is in front of us; `protocol` makes one for each connection."""
        if not self._context:
            return None

        def answers_to(host: str) -> bool:
            return is_served(host, self.names)

        return Door(
            self.addresses,
            self.port,
            self._context,
            protocol,
            is_closing=is_closing,
            answers_to=answers_to,
            capacity=capacity,
        )


def _addresses(host: str) -> list[str]:
    """Return where to listen if `host` was asked for: the whole network unless it is a part of it."""
    try:
        whole = ip_address(host).is_unspecified
    except ValueError:
        whole = False
    return lan_addresses() if whole or is_this_machine(host) else [host]


def _own_certificate(names: list[str]) -> Path:
    folder = platformdirs.user_state_path("voice-ui", appauthor=False)
    try:
        return certificate.own(folder, names)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"cannot write a certificate to {folder} ({reason}); to use your own, add --cert FILE --key FILE"
        ) from None
