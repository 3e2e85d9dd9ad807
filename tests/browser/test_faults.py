"""Every fault of a server, through the whole program: what the page says, how soon, and that Start works afterwards."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.patience import SECOND, until
from tests.running import free_port, program
from tests.servers.faulty import FAULTS, serve

TRANSPORT = os.environ.get("TESTS_TRANSPORT", "websocket")
"""The table holds for both, but for codes: a call ends without one. It takes too long to look at both each time."""

LANES = 2
"""Faults that are met at the same time, each with a program and a browser; more of them hinder each other."""

TWO_TURNS = ROOT / "assets" / "two_turns.wav"


@dataclass(frozen=True)
class Case:
    """A fault, the code it must show, and within how many seconds of pressing Start, or of the words that meet it."""

    fault: str
    code: str
    seconds: float = 3.0


AT_ONCE = [
    Case("handshake-401", "key-refused"),
    Case("handshake-403", "key-refused"),
    Case("handshake-404", "not-realtime"),
    Case("handshake-429", "rate-limited"),
    Case("handshake-500", "server-failed"),
    Case("handshake-redirect", "not-realtime"),
    Case("html", "not-realtime"),
    Case("key-refused", "key-refused"),
    Case("no-model-access", "no-access"),
    Case("model-retired", "no-access"),
    Case("model-unknown", "model-unknown"),
    Case("beta-disabled", "beta-disabled"),
    Case("no-quota", "no-quota"),
    Case("session-limit", "session-limit"),
    Case("update-rejected", "update-rejected"),
    Case("update-ignored", "config-differs"),
    Case("garbage", "message-malformed"),
]

STALLS = [
    Case("handshake-silent", "server-timeout", 11 if TRANSPORT == "websocket" else 16),
    Case("stall-reply", "response-missing", 42),
    Case("no-session-created", "server-timeout", 11),
    Case("no-session-updated", "server-timeout", 11),
    Case("half-open", "connection-lost", 30),
]
"""In an order that gives each lane as much. The seconds are the time-outs stated in transport, connection and state,
and a moment for the words."""

SPOKEN = 3.5
"""Seconds from Start until the first words of the recording are spoken and found to have ended."""

RESTART = SPOKEN + (3 if TRANSPORT == "websocket" else 6)
"""A call that is lost is first made anew, which takes longer than with a websocket, and only then told."""

AFTER_SPEECH = [
    Case("transcription-failed", "transcription-failed", SPOKEN + 3),
    Case("response-failed", "response-failed", SPOKEN + 3),
    Case("rate-limited", "rate-limited", SPOKEN + 3),
    Case("quota-in-response", "no-quota", SPOKEN + 3),
    Case("response-incomplete-filter", "response-filtered", SPOKEN + 3),
    Case("response-incomplete-tokens", "response-incomplete", SPOKEN + 3),
    Case("response-cancelled", "response-cancelled", SPOKEN + 3),
    Case("expired", "session-expired", 9),
    Case("lost", "connection-lost", SPOKEN + 3),
    Case("server-error", "server-failed", SPOKEN + 3),
    Case("server-restart", "server-failed" if TRANSPORT == "websocket" else "connection-lost", RESTART),
    Case("oversized", "message-oversized" if TRANSPORT == "websocket" else "connection-lost", SPOKEN + 3),
    Case("stall", "server-silent", SPOKEN + 7),  # after two seconds of speech, which is in the second question
]

HARMLESS = {"slow", "reply-markup", "reply-long"}
"""Nothing is wrong with these; other tests look at them."""


def test_every_fault_has_a_case() -> None:
    cases = {case.fault for case in (*AT_ONCE, *STALLS, *AFTER_SPEECH)}
    assert cases | HARMLESS == set(FAULTS)


async def meet(case: Case, talk: Talk, port: int) -> str:
    """Let one fault happen and pass; return its row of the table."""
    async with serve(port=port, fault=case.fault) as server:
        start = time.monotonic()
        await talk.start()
        await expect(talk.error).to_have_attribute("data-code", case.code, timeout=case.seconds * 1000 * SECOND)
        await expect(talk.error).to_be_visible()
        seconds = time.monotonic() - start
        if await talk.page.get_by_role("button", name="Stop").count():
            await talk.stop()
            await talk.is_in("idle", "error", seconds=45)
    await until(lambda: server.sessions == 0, what=f"{case.fault}: nothing is left running")
    async with serve(port=port) as server:
        await talk.start()
        await talk.is_in("listening" if case in AT_ONCE else "answering")
        await expect(talk.error).to_be_hidden()
        await talk.stop()
        await talk.is_in("idle")
        await until(lambda: server.sessions == 0, what=f"{case.fault}: nothing is left running afterwards")
    return f"{case.fault:28} {case.code:24} {seconds:6.1f}"


async def lane(cases: Sequence[Case], folder: Path, browser: Browser) -> list[str]:
    """Meet faults one after the other, in one program."""
    port = free_port()
    rows = []
    environ = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "sk-0123456789abcdefghij"}
    environ |= {"VOICE_UI_MAX_SESSIONS": "1", "VOICE_UI_TRANSPORT": TRANSPORT}
    async with program(folder=folder, **environ) as app:
        for case in cases:
            talk = await open_talk(browser, app.url)
            try:
                rows.append(await meet(case, talk, port))
            except Exception as error:
                raise AssertionError(f"{case}: {error}\n{app.log}") from error
            await talk.page.close()
    return rows


async def meet_all(
    cases: Sequence[Case], tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(open_browser(TWO_TURNS)) for _ in range(LANES)]
        lanes = [lane(cases[first::LANES], tmp_path, browser) for first, browser in enumerate(browsers)]
        rows = sorted(row for rows in await asyncio.gather(*lanes) for row in rows)
    report("\n".join([f"\n{'fault':28} {'code on the page':24} {'seconds':>6}", *rows]))


async def test_a_fault_at_the_door_is_told_at_once(
    tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    await meet_all(AT_ONCE, tmp_path, open_browser, report)


async def test_a_fault_in_a_turn_is_told_at_once(
    tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    await meet_all(AFTER_SPEECH, tmp_path, open_browser, report)


async def test_a_stall_is_told_within_its_time_out(
    tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    await meet_all(STALLS, tmp_path, open_browser, report)
