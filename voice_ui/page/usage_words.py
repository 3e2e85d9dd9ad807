"""What a conversation has used and costs, in one line. Pure."""

from __future__ import annotations

from voice_ui.servers import Endpoint
from voice_ui.session import Limits, Spent, UsageCounted
from voice_ui.usage import in_dollars


def in_words(counted: UsageCounted) -> str:
    """Return tokens and costs; nothing before the first reply, and no costs where nothing is charged."""
    usage = counted.usage
    if not usage.total:
        return ""
    tokens = f"{usage.total:,} tokens" + (f", {usage.cached:,} cached" if usage.cached else "")
    rate = f"{in_dollars(counted.per_minute)} a minute" if counted.per_minute else ""
    return " · ".join(filter(None, (tokens, costs_in_words(counted.cost, counted.is_exact), rate)))


def costs_in_words(cost: float | None, is_exact: bool) -> str:
    """Return costs; what is unknown is not shown as zero."""
    if cost is None:
        return "price unknown"
    if not is_exact:
        return f"at least {in_dollars(cost)}"
    return in_dollars(cost) if cost else ""


def sums_in_words(spent: Spent, limits: Limits) -> str:
    """Return where the limits stand that concern everybody, and what the others are; nothing where nothing costs."""
    parts = [
        _of("Today (UTC)", spent.day, limits.max_cost_per_day),
        _of("in total", spent.total, limits.max_cost_total),
        f"each visitor up to {in_dollars(most)}" if (most := limits.max_cost_per_visitor) else "",
        f"each conversation up to {in_dollars(most)}" if (most := limits.max_cost) else "",
    ]
    words = " · ".join(filter(None, parts))
    return words[:1].upper() + words[1:]


def prices_in_words(endpoint: Endpoint) -> str:
    """Return what a model costs and when that was read; nothing if it is free."""
    if (prices := endpoint.prices) is None:
        return f"The price of {endpoint.model} is unknown."
    if prices.is_free:
        return ""
    text = f"text {prices.text_in:g} in, {prices.text_cached:g} cached, {prices.text_out:g} out"
    audio = f"audio {prices.audio_in:g} in, {prices.audio_cached:g} cached, {prices.audio_out:g} out"
    read = f", as of {prices.read}" if prices.read else ""
    return f"US dollars per million tokens{read}: {text}; {audio}."


def _of(what: str, sum_so_far: float, most: float | None) -> str:
    if most is None:
        return f"{what} {in_dollars(sum_so_far)}" if sum_so_far else ""
    return f"{what} {in_dollars(sum_so_far)} of {in_dollars(most)}"
