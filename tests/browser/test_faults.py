"""Every fault of a server, through the whole program: what the page says, and that Start works afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import ROOT, OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.patience import until
from tests.running import free_port, program
from tests.servers.faulty import FAULTS, serve

TRANSPORT = os.environ.get("TESTS_TRANSPORT", "websocket")
"""The table holds for both, but for codes: a call ends without one. It takes too long to look at both each time."""

TOGETHER = 2
"""Faults that share a program and a browser, one after the other."""

TOLD_SECONDS = 60.0
"""Longer than any time-out of ours. How soon a fault is reported stands in the table, and is measured in virtual time
by the tests of the session: this machine may be busy."""

TWO_TURNS = ROOT / "assets" / "two_turns.wav"


@dataclass(frozen=True)
class Case:
    """A fault, and the code it must show."""

    fault: str
    code: str


AT_ONCE = [
    Case("handshake-401", "key-refused"),
    Case("handshake-403", "key-refused"),
    Case("handshake-404", "model-unknown"),
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
    Case("handshake-silent", "server-timeout"),
    Case("stall-reply", "response-missing"),
    Case("no-session-created", "server-timeout"),
    Case("no-session-updated", "server-timeout"),
    Case("half-open", "connection-lost"),
]
"""Nothing is done but wait, so other tests run meanwhile."""

AFTER_SPEECH = [
    Case("lost", "connection-lost"),
    Case("server-restart", "server-failed" if TRANSPORT == "websocket" else "connection-lost"),
    Case("stall", "server-silent"),
    Case("transcription-failed", "transcription-failed"),
    Case("response-failed", "response-failed"),
    Case("rate-limited", "rate-limited"),
    Case("quota-in-response", "no-quota"),
    Case("response-incomplete-filter", "response-filtered"),
    Case("response-incomplete-tokens", "response-incomplete"),
    Case("response-cancelled", "response-cancelled"),
    Case("expired", "session-expired"),
    Case("server-error", "server-said"),
    Case("oversized", "message-oversized" if TRANSPORT == "websocket" else "connection-lost"),
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
        await talk.has_shown_error(case.code, TOLD_SECONDS)
        seconds = time.monotonic() - start
        if await talk.page.get_by_role("button", name="Stop").count():
            await talk.stop()
            await talk.is_in("idle", "error", seconds=45)
    await until(lambda: server.sessions == 0, what=f"{case.fault}: nothing is left running")
    async with serve(port=port) as server:
        await talk.start()
        await talk.has_been_in("listening" if case in AT_ONCE else "answering")
        await expect(talk.error).to_be_hidden()
        await talk.stop()
        await talk.is_in("idle")
        await until(lambda: server.sessions == 0, what=f"{case.fault}: nothing is left running afterwards")
    return f"{case.fault:28} {case.code:24} {seconds:6.1f}"


def groups(*kinds: Sequence[Case], together: int = TOGETHER) -> list[object]:
    found = [kind[begin : begin + together] for kind in kinds for begin in range(0, len(kind), together)]
    return [pytest.param(group, id=" ".join(case.fault for case in group)) for group in found]


@pytest.mark.parametrize("cases", [*groups(STALLS, together=1), *groups(AFTER_SPEECH, AT_ONCE)])
async def test_a_fault_is_reported_and_start_works_afterwards(
    cases: Sequence[Case], tmp_path: Path, open_browser: OpenBrowser, report: Callable[[str], None]
) -> None:
    port = free_port()
    environ = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "sk-0123456789abcdefghij"}
    environ |= {"VOICE_UI_MAX_SESSIONS": "1", "VOICE_UI_TRANSPORT": TRANSPORT}
    async with program(folder=tmp_path, **environ) as app, open_browser(TWO_TURNS) as browser:
        for case in cases:
            talk = await open_talk(browser, app.url)
            try:
                report(await meet(case, talk, port))
            except Exception as error:
                raise AssertionError(f"{case}: {error}\n{app.log}") from error
            await talk.page.close()
