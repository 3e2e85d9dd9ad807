"""What comes between the session and its client, in both dialects: what a fault leaves alone is as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.judge import judge_beta_server_event, judge_server_event
from tests.servers.faulty.faults import FAULTS, Bent
from tests.unit.practice_client import PracticeClient, loud, quiet

BENT = {name: fault.behaviour for name, fault in FAULTS.items() if isinstance(fault.behaviour, Bent)}


async def turn(client: PracticeClient) -> None:
    client.say(quiet(500), loud(500), quiet(300))
    if client.recognizer.utterances:
        await client.hear("hello")
    await client.let_time_pass()


@pytest.mark.parametrize("name", BENT)
@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_every_event_that_still_is_one_is_valid_and_the_session_survives(name: str, dialect: str) -> None:
    beta = dialect == "beta"
    client = PracticeClient(model="gpt-4o-realtime-preview-2024-12-17", beta=beta, bend=BENT[name].bend())
    judge: Callable[[dict[str, Any]], None] = judge_beta_server_event if beta else judge_server_event
    for _ in range(2):
        await turn(client)
        for event in client.events:
            judge(event)
        client.forget()
    client.receive("not json")
    client.receive(b"binary")
    client.receive(json.dumps({"type": "session.update", "session": 5}))


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_failed_reply_is_followed_by_the_next_turn(dialect: str) -> None:
    client = PracticeClient(beta=dialect == "beta", bend=BENT["rate-limited"].bend())
    for _ in range(2):
        client.forget()
        await turn(client)
        response = client.one("response.done")["response"]
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
        assert client.types.count("response.created") == 1


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_an_update_that_is_refused_names_a_field_the_client_sent(dialect: str) -> None:
    client = PracticeClient(beta=dialect == "beta", bend=BENT["update-rejected"].bend())
    client.forget()
    client.send("session.update", event_id="cfg", session={"type": "realtime", "instructions": "Be brief."})
    error = client.one("error")["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.instructions")
    assert "session.instructions" in error["message"]
    assert error["event_id"] == "cfg"
