"""The official openai SDK, a client nobody here wrote, talks to `python -m voice_ui.offline` as a user starts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.judge import judge_server_event
from tests.patience import SECOND, until, within
from tests.protocol.offline_client import question
from tests.servers.faulty import FAULTS
from voice_ui import audio

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are of Unix")


class Program:
    """A running `python -m voice_ui.offline`, in a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.base_url = url.replace("ws://", "http://").removesuffix("/realtime")

    def alive(self) -> bool:
        """Whether it, or a worker of it, still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            return True
        return False


@asynccontextmanager
async def offline_program(*arguments: str, module: str = "voice_ui.offline") -> AsyncIterator[Program]:
    """Run until the block ends; read the address from the first line it prints."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", module, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, start_new_session=True)
    assert process.stdout is not None
    try:
        url = (await within(20, process.stdout.readline())).decode().strip()
        yield Program(process, url)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


@asynccontextmanager
async def sdk_connection(program: Program) -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        AsyncOpenAI(api_key="sk-anything", base_url=program.base_url) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        yield connection


async def test_the_openai_sdk_holds_a_spoken_turn() -> None:
    async with offline_program() as program, sdk_connection(program) as connection:
        assert (await within(5, connection.recv())).type == "session.created"
        await connection.session.update(
            session={
                "type": "realtime",
                "output_modalities": ["text"],
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24_000},
                        "transcription": {"model": "gpt-live-transcribe"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                    }
                },
            }
        )
        speech = question()
        for start in range(0, len(speech), 960):
            await connection.input_audio_buffer.append(audio=audio.encode(speech[start : start + 960]))
        lengths, text, transcript, usage = [], "", "", None
        async with asyncio.timeout(30 * SECOND):
            async for event in connection:
                judge_server_event(event.to_dict(mode="json", exclude_unset=True))
                match event.type:
                    case "conversation.item.input_audio_transcription.completed":
                        transcript = event.transcript
                    case "response.output_text.delta":
                        text += event.delta
                        lengths.append(len(text))
                    case "response.done":
                        assert event.response.status == "completed"
                        usage = event.response.usage
                        break
        assert transcript.lower().strip(" ?.") == "what is seven plus five"
        assert "12" in text or "twelve" in text.lower()
        assert len(set(lengths)) >= 3
        assert usage is not None
        assert usage.input_token_details is not None
        assert usage.input_token_details.audio_tokens
        assert usage.output_tokens


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM], ids=lambda name: str(name.name))
async def test_the_program_stops_at_once_and_leaves_no_worker(name: signal.Signals) -> None:
    async with offline_program() as program:
        async with sdk_connection(program) as connection:
            await within(5, connection.recv())
            program.process.send_signal(name)
            _, stderr = await within(3, program.process.communicate())
        assert program.process.returncode == 0
        assert b"Traceback" not in stderr
        await until(lambda: not program.alive(), what="no worker is left")


async def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    async with offline_program() as program:
        port = program.url.rpartition(":")[2].partition("/")[0]
        async with offline_program("--port", port) as second:
            _, stderr = await within(10, second.process.communicate())
            assert second.process.returncode == 2
            assert stderr.decode().count("\n") == 1
            assert f"port {port}" in stderr.decode()


async def test_a_fault_that_does_not_exist_is_said_with_the_usage_and_the_list_names_them_all() -> None:
    command = [sys.executable, "-m", "tests.servers.faulty", "--fault"]
    pipe = asyncio.subprocess.PIPE
    wrong = await asyncio.create_subprocess_exec(*command, "nonsense", stdout=pipe, stderr=pipe)
    _, stderr = await within(20, wrong.communicate())
    assert wrong.returncode == 2
    assert b"nonsense" in stderr
    listing = await asyncio.create_subprocess_exec(*command, "list", stdout=pipe, stderr=pipe)
    stdout, _ = await within(20, listing.communicate())
    assert listing.returncode == 0
    assert [line.split()[0] for line in stdout.decode().splitlines()] == list(FAULTS)
