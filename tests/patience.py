"""Time-outs of all tests are multiples of one constant: raise it on a slow machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

SECOND = float(os.environ.get("TESTS_SECOND", "1"))
"""What the tests hold for a second."""


async def until(condition: Callable[[], object], seconds: float = 10, *, what: str = "") -> None:
    """Wait until `condition()` holds; fail after `seconds`."""
    try:
        async with asyncio.timeout(seconds * SECOND):
            wait = 0.005
            while not condition():
                await asyncio.sleep(wait)
                wait = min(0.05, wait * 1.2)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what or condition}") from None


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await something that must not take longer."""
    async with asyncio.timeout(seconds * SECOND):
        return await awaitable
