"""A guard that no clock disturbs: how many of our functions a chunk and a delta go through in the session."""

from __future__ import annotations

from benchmarks import core

MOST_CALLS = {"chunk": 12, "delta": 14}
"""`python -m benchmarks.core --walk` lists them."""


async def test_a_chunk_and_a_delta_go_through_few_functions() -> None:
    walks = await core.walks()
    assert {name: calls for name, calls in walks.items() if len(calls) > MOST_CALLS[name]} == {}
    assert walks["chunk"][0].endswith("RealtimeSession.append_audio")
    assert walks["delta"][0].endswith("Link._receive_loop")
