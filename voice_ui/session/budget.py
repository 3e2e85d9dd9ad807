"""Limits on time and cost, and the cost so far. Pure.

The prices and the limits belong to one press of Start, so a reconnect does not lose them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voice_ui.errors import Problem
from voice_ui.models import Prices
from voice_ui.protocol.reading import number
from voice_ui.servers import Endpoint
from voice_ui.session.accounts import Account
from voice_ui.usage import Usage, in_dollars, usage_of

AUDIO_TOKENS_A_SECOND = 10
"""Of fresh audio in (protocol facts, section 10.1)."""

SPOKEN_TOKENS_A_SECOND = 20
"""Of audio out (the same)."""

CHARACTERS_A_TOKEN = 8
"""More than any language needs on average, so that an estimate by it is not above the bill."""

CHARACTERS_BETWEEN = 200
"""A reply that is written is looked at this often; 25 tokens cost less than a tenth of a cent."""

RATE_SECONDS = 120.0
"""What a minute costs now is the average over this time, or since the press of Start."""

SHORTEST_RATE_SECONDS = 20.0
"""Over less time, an average says nothing."""


@dataclass(frozen=True)
class Limits:
    """None is no limit."""

    max_minutes: float | None = None
    """From the press of Start."""
    idle_minutes: float | None = None
    """Time of listening without speech."""
    max_cost: float | None = None
    """US dollars of one conversation; the next three are, too."""
    max_cost_per_visitor: float | None = None
    """Over all conversations of a visitor; the owner is none."""
    max_cost_per_day: float | None = None
    """Of everybody, since midnight UTC."""
    max_cost_total: float | None = None
    """Of everybody, ever."""

    @property
    def has_cost(self) -> bool:
        """Whether costs are limited."""
        return any(most is not None for most in (self.max_cost, self.max_cost_per_visitor, *self._of_all))

    @property
    def has_sums(self) -> bool:
        """Whether there are limits that must survive a restart."""
        return any(most is not None for most in self._of_all)

    @property
    def _of_all(self) -> tuple[float | None, float | None]:
        return self.max_cost_per_day, self.max_cost_total


class Budget:
    """What one conversation has used and what it costs, and whether it may go on."""

    def __init__(self, limits: Limits, account: Account) -> None:
        """What is counted here is booked to `account`, too."""
        self.usage = Usage()
        self.dollars = 0.0
        """As far as prices are known."""
        self.is_exact = True
        """Whether all of it was reported by the server, and has a price."""
        self.account = account
        self.limits = limits
        self._is_priced = False
        self._recent: deque[tuple[float, float]] = deque()  # when, and dollars
        self._context = 0  # tokens of the last response, which the next one reads again
        self._heard_seconds = self._untranscribed_seconds = 0.0  # not billed yet
        self.written = 0
        """Characters of the running reply; whoever takes them in adds them."""
        self._spoken_seconds = 0.0  # of the running reply
        self.due = float("inf")
        """When this many characters are written, `problem` is to be called: a limit may be reached."""
        self._look_again()

    def restore(self, usage: Usage, dollars: float) -> None:
        """Go on from what the conversation cost in an earlier process, which has booked it."""
        self.usage, self.dollars, self._is_priced = usage, dollars, dollars > 0

    @property
    def cost(self) -> float | None:
        """US dollars, as far as prices are known; None if no price is."""
        return self.dollars if self._is_priced or not self.usage.total else None

    def per_minute(self, now: float, began: float) -> float | None:
        """Return what a minute costs now, in US dollars, in a session that `began` then; None if that is unknown."""
        seconds = min(RATE_SECONDS, now - began)
        if seconds < SHORTEST_RATE_SECONDS or not self._is_priced:
            return None
        while self._recent and self._recent[0][0] < now - RATE_SECONDS:
            self._recent.popleft()
        return sum(dollars for at, dollars in self._recent if at >= began) * 60 / seconds

    # What the server bills.

    def add(self, usage: Mapping[str, Any], endpoint: Endpoint, at: float) -> None:
        """Count the `usage` of one response at the prices of the server that gave it."""
        counted = usage_of(usage)
        self.usage += counted
        self._context = counted.total
        self._forget_reply()
        self._book(counted.cost(endpoint.prices) if endpoint.prices else None, at)

    def add_transcription(self, usage: Mapping[str, Any], endpoint: Endpoint, model: str | None, at: float) -> None:
        """Count the `usage` of one transcript, which is billed separately, at the transcription model's prices.

        Where it says nothing that can be counted, the length of the audio counts.
        """
        counted = usage_of(usage)
        self.usage += counted
        tokens = counted.audio_in + counted.audio_cached or counted.text_in + counted.text_cached
        seconds = number(usage.get("seconds")) or tokens / AUDIO_TOKENS_A_SECOND
        if seconds <= 0:
            self._settle_transcript(endpoint, model, at)
            return
        self._untranscribed_seconds = 0.0
        minute = endpoint.prices.transcription_minute(model or "") if endpoint.prices else None
        self._book(None if minute is None else minute * seconds / 60, at)

    def settle_reply(self, endpoint: Endpoint, at: float) -> None:
        """Count a reply of which the server does not report the usage, as little as it must have been."""
        self._estimate(self._reply_at_least(endpoint.prices) if endpoint.prices else 0.0, at)
        self._forget_reply()

    def _settle_transcript(self, endpoint: Endpoint, model: str | None, at: float) -> None:
        self._estimate(self._transcript_at_least(endpoint.prices, model) if endpoint.prices else 0.0, at)
        self._untranscribed_seconds = 0.0

    def lose_connection(self, endpoint: Endpoint, model: str | None, at: float) -> None:
        """The connection is gone: what was used over it and is not reported yet never will be."""
        self.settle_reply(endpoint, at)
        self._settle_transcript(endpoint, model, at)
        self._context = 0

    def _estimate(self, dollars: float, at: float) -> None:
        if dollars:
            self.is_exact = False
            self._book(dollars, at)

    def _book(self, dollars: float | None, at: float) -> None:
        if dollars is None:
            self.is_exact = False
            return
        self._is_priced = True
        self.dollars += dollars
        if dollars:
            self._recent.append((at, dollars))
            self.account.book(dollars)

    def _forget_reply(self) -> None:
        self._heard_seconds, self.written, self._spoken_seconds = 0.0, 0, 0.0
        self._look_again()

    def _look_again(self) -> None:
        if self.limits.has_cost:
            self.due = self.written + CHARACTERS_BETWEEN

    # What it will bill.

    def hear(self, seconds: float) -> None:
        """A turn of this length is going to be answered and transcribed."""
        self._heard_seconds += max(0.0, seconds)
        self._untranscribed_seconds += max(0.0, seconds)

    def speak(self, seconds: float) -> None:
        """The running reply has grown by this much audio."""
        self._spoken_seconds += seconds

    def at_least(self, endpoint: Endpoint, model: str | None, *, asking: bool = False) -> float:
        """Return US dollars that are not billed yet and must come; `asking` if another reply is about to be asked for.

        What was said before is read again with every reply, at the price of cached tokens if not at a higher one.
        """
        if (prices := endpoint.prices) is None:
            return 0.0
        return self._reply_at_least(prices, asking=asking) + self._transcript_at_least(prices, model)

    def _reply_at_least(self, prices: Prices, *, asking: bool = False) -> float:
        is_running = bool(self._heard_seconds or self.written or self._spoken_seconds)
        cheapest = min(prices.text_cached, prices.audio_cached, prices.text_in, prices.audio_in)
        millionths = (
            self._heard_seconds * AUDIO_TOKENS_A_SECOND * prices.audio_in
            + self.written / CHARACTERS_A_TOKEN * prices.text_out
            + self._spoken_seconds * SPOKEN_TOKENS_A_SECOND * prices.audio_out
            + (self._context * cheapest if is_running or asking else 0.0)
        )
        return millionths / 1_000_000

    def _transcript_at_least(self, prices: Prices, model: str | None) -> float:
        minute = prices.transcription_minute(model) if model else None
        return (minute or 0.0) * self._untranscribed_seconds / 60

    # What it may.

    def problem(
        self, endpoint: Endpoint, transcription_model: str | None = None, *, asking: bool = False
    ) -> Problem | None:
        """Return why nothing more may be spent there: the owner said so, a limit is reached, or cannot be counted."""
        self._look_again()
        if self.account.is_stopped:
            return Problem("stopped-by-owner")
        limits = self.limits
        if not limits.has_cost:
            return None
        prices = endpoint.prices
        if prices is None:
            return Problem("cost-unknown", facts={"server": endpoint.name, "model": endpoint.model})
        if transcription_model and prices.transcription_minute(transcription_model) is None:
            return Problem("cost-unknown", facts={"server": endpoint.name, "model": transcription_model})
        if prices.is_free:
            return None
        spent, more = self.account.spent, self.at_least(endpoint, transcription_model, asking=asking)
        for code, most, sum_so_far in (
            ("cost-limit", limits.max_cost, self.dollars),
            ("cost-limit-visitor", None if self.account.is_owner else limits.max_cost_per_visitor, spent.visitor),
            ("cost-limit-day", limits.max_cost_per_day, spent.day),
            ("cost-limit-total", limits.max_cost_total, spent.total),
        ):
            if most is not None and sum_so_far + more >= most:
                return Problem(code, facts={"limit": in_dollars(most)})
        return None

    def unreported(self, endpoint: Endpoint) -> Problem | None:
        """Return the problem with a limit if a server does not say what a reply used."""
        if not self.limits.has_cost or endpoint.prices is None or endpoint.prices.is_free:
            return None
        return Problem("cost-unreported", facts={"server": endpoint.name})
