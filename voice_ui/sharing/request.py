"""What the guard needs to know about a request, including the headers of a trusted proxy. Pure."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs

from voice_ui.settings import Proxies, is_this_machine, plain_address

Scope = MutableMapping[str, Any]

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix")

PREFIX = "x-forwarded-prefix"

_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
"""A sub-path, as it may stand in a page and in a redirect."""


class Request:
    """One request or websocket."""

    def __init__(self, scope: Scope, proxies: Proxies) -> None:
        self._scope = scope
        self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        self.is_socket = scope["type"] == "websocket"
        self.is_forwarded = any(name in FORWARDED for name, _ in self._headers)
        peer = (scope.get("client") or ("",))[0]
        self.peer = plain_address(peer) or peer
        self.from_proxy = bool(proxies) and proxies.trusts(self.peer)
        """Whether it comes from the address of a trusted proxy."""
        forwarded = proxies.visitor(self.all("x-forwarded-for")) if self.from_proxy else ""
        self.via_proxy = bool(forwarded)
        """Whether a trusted proxy reports the client's address."""
        hosts = self.all("host")
        self.host = hosts[0].lower() if len(hosts) == 1 else ""
        self.address, self.scheme = self.peer, scope["scheme"]
        self.prefix = ""
        if self.via_proxy:
            self.address = forwarded
            secure = self.one("x-forwarded-proto").rpartition(",")[2].strip().lower() in {"https", "wss"}
            self.scheme = f"{'ws' if self.is_socket else 'http'}{'s' if secure else ''}"
            prefix = self.one(PREFIX).strip().rstrip("/")
            self.prefix = prefix if _PATH.fullmatch(prefix) else ""

    def all(self, name: str) -> list[str]:
        """Return every header of that name."""
        return [value for header, value in self._headers if header == name]

    def one(self, name: str) -> str:
        """Return the header of that name, or nothing."""
        return next(iter(self.all(name)), "")

    @property
    def is_owner(self) -> bool:
        """Whether it comes from this machine, addressed as this machine, and certainly not through a proxy."""
        if self.from_proxy:  # also without a forwarded address: then it may be for anybody
            return False
        name = self.host.rpartition(":")[0] if re.search(r":\d+$", self.host) else self.host
        return is_this_machine(self.peer) and is_this_machine(name.strip("[]"))

    @property
    def path(self) -> str:
        """The path without the prefix of a proxy, whether or not it has taken it off itself."""
        path: str = self._scope["path"]
        if self.prefix and (path == self.prefix or path.startswith(f"{self.prefix}/")):
            return path[len(self.prefix) :] or "/"
        return path

    @property
    def own_origin(self) -> str:
        return f"{'https' if self.scheme in {'https', 'wss'} else 'http'}://{self.host}"

    @property
    def socket_origin(self) -> str:
        return self.own_origin.replace("http", "ws", 1)

    def is_navigation(self, *, framed: bool = False) -> bool:
        """Whether a person opens our page; `framed`: also as a part of another one."""
        return (
            self._scope.get("method") == "GET"
            and self.one("sec-fetch-mode") == "navigate"
            and self.one("sec-fetch-dest") in ({"document", "iframe"} if framed else {"document"})
        )

    @property
    def is_reading(self) -> bool:
        return not self.is_socket and self._scope["method"] in {"GET", "HEAD"}

    @property
    def is_page(self) -> bool:
        return self.is_reading and self.path == "/"

    @property
    def is_new_socket(self) -> bool:
        """Whether a page of ours connects; what it sends by polling later names the connection."""
        return self.path.startswith("/_nicegui_ws/") and self.query("sid") is None

    def cookie(self, name: str) -> str:
        """Return the one of that name; other programs on this host may have left stranger ones beside it."""
        pairs = (pair.strip().partition("=") for line in self.all("cookie") for pair in line.split(";"))
        return next((value for key, _, value in pairs if key == name), "")

    def query(self, name: str) -> str | None:
        """Return the last value of a part of the query."""
        try:
            found = parse_qs(self._scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return None
        return found[name][-1] if name in found else None

    def pass_on(self) -> None:
        """Write the verified values into the scope for the app behind the guard."""
        self._scope["client"], self._scope["scheme"] = (self.address, 0), self.scheme
        path = self.path
        if path != self._scope["path"]:
            self._scope["path"] = path
            self._scope["raw_path"] = path.encode()
        # NiceGUI writes this header into its pages: only a valid one, from a trusted proxy, gets there.
        headers = [(name, value) for name, value in self._scope["headers"] if name.lower() != PREFIX.encode()]
        if self.prefix:
            headers.append((PREFIX.encode(), self.prefix.encode()))
        self._scope["headers"] = headers
