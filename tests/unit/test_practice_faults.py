"""What comes between the session and its client: what a fault leaves alone is as it should be."""

from __future__ import annotations

import json

import pytest

from tests.judge import judge_server_event
from tests.servers.faulty.faults import FAULTS, Bent
from tests.unit.practice_client import PracticeClient, loud, quiet

BENT = {name: fault.behaviour for name, fault in FAULTS.items() if isinstance(fault.behaviour, Bent)}


async def turn(client: PracticeClient) -> None:
    client.say(quiet(500), loud(500), quiet(300))
    if client.recognizer.utterances:
        await client.hear("hello")
    await client.let_time_pass()


@pytest.mark.parametrize("name", BENT)
async def test_every_event_that_still_is_one_is_valid_and_the_session_survives(name: str) -> None:
    client = PracticeClient(bend=BENT[name].bend())
    for _ in range(2):
        await turn(client)
        for event in client.events:
            judge_server_event(event)
        client.forget()
    client.receive("not json")
    client.receive(b"binary")
    client.receive(json.dumps({"type": "session.update", "session": 5}))


async def test_a_failed_reply_is_followed_by_the_next_turn() -> None:
    client = PracticeClient(bend=BENT["rate-limited"].bend())
    for _ in range(2):
        client.forget()
        await turn(client)
        response = client.one("response.done")["response"]
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
        assert client.types.count("response.created") == 1


async def test_an_update_that_is_refused_names_a_field_the_client_sent() -> None:
    client = PracticeClient(bend=BENT["update-rejected"].bend())
    client.forget()
    client.send("session.update", event_id="cfg", session={"type": "realtime", "instructions": "Be brief."})
    error = client.one("error")["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.instructions")
    assert "session.instructions" in error["message"]
    assert error["event_id"] == "cfg"
