"""The key to the room: a code for the door, a cookie for those who are in, and patience with those who guess. Pure."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What nobody confuses on a screen across the room: no 0 and O, no 1, I and L."""

LENGTH = 8
"""31⁸ codes: guessing from a thousand addresses at once would take three centuries on average."""

TRIES = 5
"""Wrong codes from one address in `TRIES_SECONDS`."""

TRIES_SECONDS = 60.0

ADDRESSES = 1000
"""Guessers that are remembered; of more, the one that was quiet longest is forgotten."""


class TooManyTries(Exception):
    """This address guessed too often; try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"wait {seconds:.0f} s")


class Room:
    """Open or closed; each opening has a code and a cookie of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns seconds, and never goes back."""
        self._clock = clock
        self._guesses: OrderedDict[str, deque[float]] = OrderedDict()
        self.code, self.cookie = "", ""
        self.open()

    @property
    def is_open(self) -> bool:
        """Whether anybody but the owner is let in."""
        return bool(self.code)

    def open(self) -> None:
        """Let in who knows the new code."""
        self.code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        self.cookie = secrets.token_urlsafe(32)

    def close(self) -> None:
        """Let nobody in, not even those who were."""
        self.code, self.cookie = "", ""

    def is_inside(self, cookie: str) -> bool:
        """Whether it is the cookie that `enter` earned."""
        return self.is_open and hmac.compare_digest(cookie.encode(), self.cookie.encode())

    def enter(self, code: str, address: str) -> bool:
        """Whether the code is right, however it is written; raises TooManyTries."""
        guesses = self._guesses.get(address, deque())
        while guesses and guesses[0] <= self._clock() - TRIES_SECONDS:
            guesses.popleft()
        if len(guesses) >= TRIES:
            raise TooManyTries(guesses[0] + TRIES_SECONDS - self._clock())
        given = "".join(letter for letter in code[:100].upper() if letter in LETTERS)
        if self.is_open and hmac.compare_digest(given, self.code):
            self._guesses.pop(address, None)
            return True
        guesses.append(self._clock())
        self._guesses[address] = guesses
        self._guesses.move_to_end(address)
        while len(self._guesses) > ADDRESSES:
            self._guesses.popitem(last=False)
        return False
