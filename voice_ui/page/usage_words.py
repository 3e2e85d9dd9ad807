"""What a conversation has used and costs, in one line. Pure."""

from __future__ import annotations

from voice_ui.session import UsageCounted
from voice_ui.usage import in_dollars


def in_words(counted: UsageCounted) -> str:
    """Return tokens and costs; nothing before the first reply, and no costs where nothing is charged."""
    usage = counted.usage
    if not usage.total:
        return ""
    tokens = f"{usage.total:,} tokens" + (f", {usage.cached:,} cached" if usage.cached else "")
    return " · ".join(filter(None, (tokens, costs_in_words(counted.cost, counted.is_exact), _rate(counted.per_minute))))


def costs_in_words(cost: float | None, is_exact: bool) -> str:
    """Return costs; what is unknown is not shown as zero."""
    if cost is None:
        return "price unknown"
    if not is_exact:
        return f"at least {in_dollars(cost)}"
    return in_dollars(cost) if cost else ""


def _rate(per_minute: float | None) -> str:
    return f"{in_dollars(per_minute)} a minute" if per_minute else ""
