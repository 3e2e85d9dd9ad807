"""Logs hold times and codes: not the key, not what was said, not even for those who turn everything on."""

from __future__ import annotations

import logging

import pytest

from tests.patience import until
from tests.protocol.reader import chunk, session_with
from tests.protocol.scripted import ScriptedServer, Wire


async def test_at_the_lowest_level_no_log_holds_the_key_or_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    async def one_turn(wire: Wire) -> None:
        await wire.configure()
        await wire.hear("input_audio_buffer.append")
        await wire.heard_speech(transcript="the secret is out")
        await wire.reply("a secret answer")
        await wire.say("error", error={"type": "x", "code": "y", "message": "Bearer sk-test-0123456789 is odd"})
        await wire.websocket.close(3000, "invalid_request_error.invalid_api_key")

    caplog.set_level(logging.DEBUG)
    # The scripted server logs its side through websockets; ours must not.
    logging.getLogger("websockets.server").setLevel(logging.INFO)
    async with ScriptedServer(one_turn).running() as server, session_with(server) as (session, reader):
        session.start()
        session.append_audio(chunk(1))
        await until(lambda: "key-refused" in reader.codes)
    assert len(caplog.records) > 3
    for secret in ("sk-test-0123456789", "the secret is out", "a secret answer"):
        assert secret not in caplog.text
        assert secret not in str([problem.detail for problem in reader.problems])
