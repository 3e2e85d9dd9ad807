"""What can be done to the door through which pages hand in their conversations, with and without the code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.attack.target import Target, under_attack
from voice_ui.page.handover import PATH

pytestmark = pytest.mark.long


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    async with under_attack(tmp_path) as target:
        yield target


def body(**more: object) -> bytes:
    item = {"id": "a", "role": "assistant", "turn": 1, "parts": ["I was made up."], "status": "completed"}
    whole = {
        "tab": "t",
        "place": "/ 0",
        "items": [json.dumps(item)],
        "head": "{}",
        "signature": "",
        "drafts": [],
        "lostMs": 0,
    }
    return json.dumps({**whole, "talking": False, **more}).encode()


async def status(guest: httpx.AsyncClient, content: bytes, **headers: str) -> int:
    return (await guest.post(PATH, content=content, headers=headers)).status_code


async def test_strangers_and_other_sites_hand_in_nothing(target: Target) -> None:
    async with target.visitor() as stranger, target.guest() as guest:
        assert await status(stranger, body()) == 403
        assert await status(guest, body(), **{"Origin": "https://elsewhere.example"}) == 403
        assert await status(guest, body(), **{"Sec-Fetch-Site": "cross-site"}) == 403
        assert (await guest.get(PATH)).status_code == 405
        assert await status(guest, body()) == 204


NONSENSE = [
    b"", b"null", b"[]", b"{}", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 10_000,
    body(tab=""), body(tab="t" * 101), body(tab=1), body(items="text"), body(items=[1]), body(items=[None]),
    body(items=[[]]), body(drafts=[{}]), body(head=None), body(head={}), body(signature=7), body(lostMs=-1),
    body(lostMs=1e300), body(lostMs="1"), body(talking="yes"), body(items=["{}"] * 2001),
]  # fmt: skip


async def test_nonsense_is_refused_and_logged_by_nobody(target: Target) -> None:
    async with target.guest() as guest:
        before = len(target.app.log)
        assert {await status(guest, content) for content in NONSENSE} == {400}
        odd = [body(head="\ud800"), body(items=['{"id": "\\ud800"}']), body(signature="é"), body(head="[]")]
        assert {await status(guest, content) for content in odd} <= {204, 400}
        assert "Traceback" not in target.app.log[before:]


async def test_neither_large_nor_many_conversations_fill_the_memory(target: Target) -> None:
    async with target.guest() as guest:
        large = body(items=[json.dumps({"id": "a", "role": "user", "turn": 1, "parts": ["x" * 900_000]})])
        assert await status(guest, body(head="x" * 1_200_000)) >= 400
        await status(guest, large)
        before = target.megabytes
        item = json.dumps({"id": "a", "role": "user", "turn": 1, "parts": ["x" * 190_000], "status": "completed"})
        tabs = [body(tab=f"tab {number}", items=[item, item.replace('"a"', '"b"')]) for number in range(400)]
        for first in range(0, len(tabs), 8):
            answers = await asyncio.gather(*(status(guest, content) for content in tabs[first : first + 8]))
            assert set(answers) == {204}
        assert target.megabytes - before < 90
        assert await target.owner_waits() < 20
