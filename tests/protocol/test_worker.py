"""A worker process answers in order, is replaced when it dies, and is gone when nobody needs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.clips import ROOT
from tests.patience import until, within
from voice_ui.offline.worker import Worker, WorkerAborted, WorkerDied, WorkerFailed, WorkerUnavailable


@asynccontextmanager
async def working(module: str = "tests.servers.worker") -> AsyncIterator[Worker]:
    worker = Worker(module)
    try:
        yield worker
    finally:
        await within(10, worker.close())
        assert worker.pid is None


async def test_it_is_started_by_the_first_request_and_stays() -> None:
    async with working() as worker:
        assert worker.pid is None
        first, second = await within(10, asyncio.gather(worker.ask(b"pid"), worker.ask(b"pid")))
        assert first == second == str(worker.pid).encode()
        assert await worker.start() == "a test"
        assert worker.started == 1


async def test_answers_belong_to_their_requests() -> None:
    async with working() as worker:
        requests = [b"a" * size for size in (0, 1, 70_000, 2_000_000, 3)]
        answers = await within(20, asyncio.gather(*map(worker.ask, requests)))
        assert answers == [request.upper() for request in requests]


async def test_an_exception_is_an_answer_and_so_is_chatter() -> None:
    async with working() as worker:
        with pytest.raises(WorkerFailed, match="ValueError: as it was asked to"):
            await within(10, worker.ask(b"raise"))
        assert await within(10, worker.ask(b"print")) == b"PRINT"
        assert worker.started == 1


async def test_a_request_can_be_aborted_and_the_next_one_is_not() -> None:
    async with working() as worker:
        waiting = asyncio.create_task(worker.ask(b"until aborted"))
        await worker.start()
        await asyncio.sleep(0)
        worker.abort()
        after = asyncio.create_task(worker.ask(b"next"))
        with pytest.raises(WorkerAborted):
            await within(10, waiting)
        assert await within(10, after) == b"NEXT"
        worker.abort()  # nothing to abort
        assert await within(10, worker.ask(b"more")) == b"MORE"


async def test_a_request_nobody_waits_for_any_more_does_not_shift_the_others() -> None:
    async with working() as worker:
        await worker.start()
        forgotten = asyncio.create_task(worker.ask(b"forgotten"))
        await asyncio.sleep(0)
        forgotten.cancel()
        assert await within(10, worker.ask(b"next")) == b"NEXT"


async def test_when_it_dies_every_request_hears_of_it_and_the_next_one_starts_another() -> None:
    async with working() as worker:
        outcomes = await within(20, asyncio.gather(worker.ask(b"die"), worker.ask(b"too"), return_exceptions=True))
        assert [type(outcome) for outcome in outcomes] == [WorkerDied, WorkerDied]
        await until(lambda: worker.pid is None)
        assert await within(10, worker.ask(b"again")) == b"AGAIN"
        assert worker.started == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be stopped")
async def test_a_process_that_hangs_is_killed_at_the_end() -> None:
    async with working() as worker:
        await within(10, worker.start())
        assert worker.pid
        os.kill(worker.pid, signal.SIGSTOP)


async def test_where_the_work_cannot_be_done_it_says_why() -> None:
    async with working("tests.servers.worker_unavailable") as worker:
        for _ in range(2):
            with pytest.raises(WorkerUnavailable, match="not on a Tuesday"):
                await within(10, worker.ask(b"please"))


async def test_a_killed_server_leaves_no_process_behind() -> None:
    """The process shares the server's standard error, which is closed only when both are gone."""
    code = """
import asyncio
from voice_ui.offline.worker import Worker
async def main():
    await Worker("tests.servers.worker").start()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=pipe, stderr=pipe)
    assert server.stdout and server.stderr
    assert await within(20, server.stdout.readline()) == b"ready\n"
    server.kill()
    assert await within(10, server.stderr.read()) == b""
    await server.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a process group")
async def test_ctrl_c_is_left_to_the_server() -> None:
    async with working() as worker:
        await within(10, worker.start())
        assert worker.pid
        os.kill(worker.pid, signal.SIGINT)
        assert await within(10, worker.ask(b"still here")) == b"STILL HERE"
        assert worker.started == 1


async def test_it_imports_neither_the_page_nor_the_server() -> None:
    code = """
import importlib, runpy, sys
start = runpy.run_path("voice_ui/offline/worker/start.py")
for module in (start["PROCESS"], "voice_ui.offline.recognizer.transcriber"):
    start["bypass"](module)
    importlib.import_module(module)
print(*{"nicegui", "websockets", "asyncio", "uvicorn"} & sys.modules.keys())
"""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=pipe)
    output, _ = await within(20, process.communicate())
    assert process.returncode == 0
    assert output.decode().split() == []
