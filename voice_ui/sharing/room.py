"""Access to a shared room: the code, the cookie for admitted visitors, and a limit on guesses. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Characters that are easy to read from a distance: no 0 and O, no 1, I and L."""

LENGTH = 8
"""31⁸ codes: guessing from a thousand addresses at once would take three centuries on average."""

TRIES = 5
"""Wrong codes from one address in `TRIES_SECONDS`."""

TRIES_SECONDS = 60.0

ADDRESSES = 1000
"""How many guessing addresses to remember; beyond that, the least recent is forgotten."""


class TooManyTries(Exception):
    """This address guessed too often; try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"wait {seconds:.0f} s")


class Room:
    """Open or closed; each opening has a cookie of its own, and a code of its own unless the owner chose one."""

    def __init__(self, clock: Callable[[], float], code: str = "") -> None:
        """`clock` returns seconds, and never goes back.

        A `code` that the owner chose stays the same, and so do the cookies of those who are in: over restarts, and
        for all processes that were given it.
        """
        self._clock = clock
        self.chosen = code
        """The code that stays; empty if each opening has its own."""
        self.opened = 0
        """How often the room was opened."""
        self._guesses: OrderedDict[str, deque[float]] = OrderedDict()
        self.owner_key = secrets.token_urlsafe(24)
        """For the owner who cannot come from this machine itself; ends with the process."""
        self._visitor_key = _derived(code, "visitors") if code else secrets.token_urlsafe(32)
        self.code, self._secret = "", ""
        self.open()

    @property
    def is_open(self) -> bool:
        """Whether anybody but the owner is let in."""
        return bool(self.code)

    def open(self) -> None:
        """Let in whoever knows the code."""
        self.opened += 1
        self.code = self.chosen or "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        self._secret = _derived(self.code, f"room {self.opened}") if self.chosen else secrets.token_urlsafe(32)

    def share(self, code: str, owner_key: str, *, opened: int, is_open: bool) -> None:
        """Be the same room as that of another process: with its code, its cookies and its owner's link."""
        self.chosen, self.owner_key, self.opened = code, owner_key, opened - 1
        self._visitor_key = _derived(code, "visitors")
        self.open()
        if not is_open:
            self.close()

    def close(self) -> None:
        """Let nobody in, not even those who were."""
        self.code, self._secret = "", ""

    def visitor_at(self, address: str) -> str:
        """Return the id of whoever comes from an address: the same again in another browser, or without a cookie."""
        return _signature(self._visitor_key, address)[:16]

    def cookie_of(self, visitor: str) -> str:
        """Return what `enter` earns: it names the visitor, also at another address, and nobody else can make one."""
        return f"{visitor}.{_signature(self._secret, visitor)}"

    def visitor(self, cookie: str) -> str | None:
        """Return whose cookie it is; None if it is none of this opening of the room."""
        visitor, _, signature = cookie.partition(".")
        is_ours = self.is_open and hmac.compare_digest(signature.encode(), _signature(self._secret, visitor).encode())
        return visitor if is_ours else None

    def is_owner(self, cookie: str) -> bool:
        """Whether it is the owner's cookie; the owner is let into a closed room, too."""
        return hmac.compare_digest(cookie.encode(), self.owner_key.encode())

    def enter(self, code: str, address: str) -> bool:
        """Whether the code is right, however it is written; raises TooManyTries."""
        wanted = plain(self.code) if self.is_open else ""
        return self._tried(bool(wanted) and _equal(plain(code[:100]), wanted), address)

    def enter_as_owner(self, key: str, address: str) -> bool:
        """Whether it is the owner's key; raises TooManyTries."""
        return self._tried(_equal(key[:100], self.owner_key), address)

    def _tried(self, is_right: bool, address: str) -> bool:
        guesses = self._guesses.get(address, deque())
        while guesses and guesses[0] <= self._clock() - TRIES_SECONDS:
            guesses.popleft()
        if len(guesses) >= TRIES:
            raise TooManyTries(guesses[0] + TRIES_SECONDS - self._clock())
        if is_right:
            self._guesses.pop(address, None)
            return True
        guesses.append(self._clock())
        self._guesses[address] = guesses
        self._guesses.move_to_end(address)
        while len(self._guesses) > ADDRESSES:
            self._guesses.popitem(last=False)
        return False


def plain(code: str) -> str:
    """Return a code without what people put between its letters."""
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _derived(code: str, purpose: str) -> str:
    """Return a secret of a room whose code stays."""
    return _signature(plain(code), f"voice-ui {purpose}")


def _signature(key: str, what: str) -> str:
    return hmac.new(key.encode(), what.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
