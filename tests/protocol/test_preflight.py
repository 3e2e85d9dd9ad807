"""What a server's list of models says before anybody speaks; and that odd servers are left in peace."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from voice_ui import preflight
from voice_ui.servers import Endpoint
from voice_ui.settings import Secret

TODAY = date(2026, 11, 23)


@asynccontextmanager
async def server_of_models(status: int, body: str, asked: list[Request]) -> AsyncIterator[Endpoint]:
    def answer(connection: ServerConnection, request: Request) -> Response:
        asked.append(request)
        return connection.respond(HTTPStatus(status), body)

    async def never(connection: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        headers = {"Authorization": Secret("Bearer sk-1")}
        yield Endpoint("OpenAI", f"ws://127.0.0.1:{port}/v1/realtime?model=m%2F1", "m/1", headers, is_openai=True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, json.dumps({"id": "m/1"}), None),
        (200, json.dumps({"id": "m/1", "shutdown_date": "2026-12-24"}), "model-retiring"),
        (200, json.dumps({"id": "m/1", "shutdown_date": 1_700_000_000}), "model-retired"),
        (200, json.dumps({"id": "m/1", "shutdown_date": "2030-01-01T00:00:00Z"}), None),
        (200, json.dumps({"id": "m/1", "shutdown_date": {"when": "soon"}}), None),
        (200, json.dumps(["odd"]), None),
        (200, "<html>", None),
        (401, "{}", "key-refused"),
        (404, "{}", "model-unknown"),
        (500, "oops", None),
    ],
)
async def test_the_list_of_models_is_believed_where_it_makes_sense(status: int, body: str, code: str | None) -> None:
    asked: list[Request] = []
    async with server_of_models(status, body, asked) as endpoint:
        problem = await preflight.ask(endpoint, today=TODAY)
    assert (problem and problem.code) == code
    assert asked[0].path == "/v1/models/m%2F1"
    assert asked[0].headers["Authorization"] == "Bearer sk-1"


async def test_nobody_there_is_no_problem_yet() -> None:
    assert await preflight.ask(Endpoint("x", "ws://127.0.0.1:9/v1/realtime", "m"), today=TODAY) is None
