"""What an HTTP answer to the handshake means: a code in its body says more than its status."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from voice_ui import transport
from voice_ui.errors import ConnectionFailed, Refused, SessionError
from voice_ui.servers import Endpoint
from voice_ui.settings import Secret

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


async def refused(status: int, body: str, *, key: str = KEY, **headers: str) -> SessionError:
    def answer(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(HTTPStatus(status), body)
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    async def never(connection: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        secrets = {"api-key": Secret(key)} if key else {}
        with pytest.raises(SessionError) as caught:
            async with transport.connect(Endpoint("it", f"ws://127.0.0.1:{port}/v1/realtime", "m", secrets)):
                raise AssertionError
        return caught.value


def error(**fields: object) -> str:
    return json.dumps({"error": fields})


@pytest.mark.parametrize(
    ("status", "body", "code", "kind"),
    [
        (404, error(code="model_not_found", message="no such model"), "no-access", Refused),
        (404, error(code="DeploymentNotFound", message="no such deployment"), "model-unknown", Refused),
        (400, error(code="invalid_model", type="invalid_request_error"), "model-unknown", Refused),
        (403, error(code="insufficient_quota"), "no-quota", Refused),
        (429, error(code="insufficient_quota"), "no-quota", Refused),
        (429, error(type="insufficient_quota", code=None), "no-quota", Refused),
        (429, error(code="rate_limit_exceeded"), "rate-limited", ConnectionFailed),
        (401, error(code="invalid_api_key"), "key-refused", Refused),
        (503, error(code="session_limit_reached"), "session-limit", ConnectionFailed),
        # Without a code that is known the status has to do.
        (404, error(code="something_else", message="gone"), "not-realtime", Refused),
        (404, error(code=404), "not-realtime", Refused),
        (404, json.dumps({"error": "model m not found"}), "not-realtime", Refused),
        (401, json.dumps({"error": {"code": "401", "message": "Access denied"}}), "key-refused", Refused),
        (404, "[1, 2]", "not-realtime", Refused),
        (500, '{"error"', "server-failed", ConnectionFailed),
        (500, "<html>", "server-failed", ConnectionFailed),
    ],
)
async def test_the_code_in_the_body_is_the_better_witness(
    status: int, body: str, code: str, kind: type[SessionError]
) -> None:
    caught = await refused(status, body)
    assert (caught.problem.code, type(caught)) == (code, kind)


async def test_a_key_that_is_wanted_and_missing_is_not_called_wrong() -> None:
    assert (await refused(401, error(code="invalid_api_key"), key="")).problem.code == "no-key"


async def test_the_detail_holds_the_servers_words_and_not_the_key() -> None:
    caught = await refused(404, error(code="model_not_found", message=f"{'x' * 280}{KEY} knows no m"))
    assert "model_not_found" not in caught.problem.detail and "xxx" in caught.problem.detail
    assert KEY[:8] not in caught.problem.detail and KEY[:8] not in str(caught)


async def test_a_rate_limit_says_how_long_to_wait() -> None:
    assert (await refused(429, "", Retry_After="7")).problem.facts["seconds"] == "7"
    assert (await refused(429, error(code="rate_limit_exceeded"), Retry_After="8")).problem.facts["seconds"] == "8"
