"""The event loop of the helpers: uvloop where it is installed, as uvicorn does for the app."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` to its end."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # on Windows, and where it was left out
        new_event_loop = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)
