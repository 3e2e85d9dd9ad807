"""Tools for the tests in the browser: `python main.py --tools FILE`."""

import asyncio
import time
from typing import Literal

from voice_ui import tool


@tool
def get_weather(town: str) -> str:
    """Return the weather of a town."""
    return f"<b>sunny</b> in {town}"


@tool(approve=True)
async def order_pizza(size: Literal["small", "large"] = "small") -> str:
    """Order a pizza."""
    return f"one {size} pizza is on its way"


@tool
def explode() -> None:
    """Explode a balloon."""
    raise RuntimeError("the balloon is empty")


@tool(timeout=1)
def count_stars() -> int:
    """Count the stars, which takes too long."""
    time.sleep(5)
    return 1


@tool
async def search_archive(words: str) -> str:
    """Search the archive, which takes a while."""
    await asyncio.sleep(12)
    return f"three letters about {words}"
