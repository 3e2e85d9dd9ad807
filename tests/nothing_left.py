"""What a test of a session or a page ends with: rest means that everything is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

from tests.patience import until
from voice_ui.session import RealtimeSession, Seats

PRODUCT = Path(__file__).parents[1] / "voice_ui"
SERVER = PRODUCT / "offline"
"""The practice server may run in the same process, and goes on."""


class CountsOpen(Protocol):
    """A server that knows how many connections it holds."""

    @property
    def open(self) -> int: ...


def tasks_of_ours() -> list[str]:
    """Return the names of all tasks that run code of the product, the one that asks left out."""
    return sorted(
        task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task() and _is_ours(task)
    )


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None) or getattr(task.get_coro(), "ag_code", None)
    if task.get_name().startswith("mcp "):  # these servers belong to the program, not to a session
        return False
    if task.get_name().startswith("realtime"):
        return True
    folders = Path(code.co_filename).parents if code else ()
    return PRODUCT in folders and SERVER not in folders


async def nothing_left(
    server: CountsOpen | None = None,
    *sessions: RealtimeSession,
    seats: Seats | None = None,
    alone: bool = True,
    seconds: float = 5,
) -> None:
    """Wait until nothing of these sessions is left; fail if something stays for `seconds`.

    No socket is open at the server, no task of ours is alive (if they are `alone` in the process), no seat is taken,
    nothing waits in a stream.
    """
    if server is not None:
        await until(lambda: server.open == 0, seconds, what="no connection is open at the server")
    if alone:
        await until(lambda: not tasks_of_ours(), seconds, what=f"no task is alive, and there are {tasks_of_ours()}")
    for session in sessions:
        assert session.state.at_rest, session.state
        assert not left_in_the_stream(session), left_in_the_stream(session)
    if seats is not None:
        assert seats.taken == 0, seats.taken


def left_in_the_stream(session: RealtimeSession) -> list[Any]:
    """Return what a session at rest still keeps of what was said: a press of Start that is over keeps nothing."""
    press = session._press
    return [] if press is None else [press, *press.context.stream.messages, *press.context.stream.outputs]
