"""Somebody else's opinion of our events: the types of the official openai SDK.

The SDK's models keep what they do not know, so an event must not only validate: nothing unknown may be in it at any
depth, and written out again it must be what was sent.
"""

from __future__ import annotations

from typing import Any, get_args

from openai.types.beta import realtime as beta
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from openai.types.realtime.realtime_session_create_response import RealtimeSessionCreateResponse
from pydantic import BaseModel

RESOURCE_FIELDS = {"session.id", "session.object", "session.expires_at"}
"""The types of `session.created` and `session.updated` lack what makes a session a resource; the service sends it."""


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    members: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


SERVER_EVENTS = _by_type(RealtimeServerEvent)
CLIENT_EVENTS = _by_type(RealtimeClientEvent)
BETA_SERVER_EVENTS = _by_type(beta.RealtimeServerEvent)
BETA_CLIENT_EVENTS = _by_type(beta.RealtimeClientEvent)


def judge_server_event(event: dict[str, Any]) -> None:
    """Fail unless the SDK knows all of this server event."""
    if event["type"].startswith("session."):
        _judge(SERVER_EVENTS[event["type"]], event, RESOURCE_FIELDS)
        _judge(RealtimeSessionCreateResponse, event["session"], set())
    else:
        _judge(SERVER_EVENTS[event["type"]], event, set())


def judge_client_event(event: dict[str, Any]) -> None:
    """Fail unless the SDK knows all of this client event."""
    _judge(CLIENT_EVENTS[event["type"]], event, set())


def judge_beta_client_event(event: dict[str, Any]) -> None:
    """Fail unless the SDK knows all of this client event of the beta."""
    _judge(BETA_CLIENT_EVENTS[event["type"]], event, set())


def _judge(kind: type[BaseModel], value: dict[str, Any], allowed: set[str]) -> None:
    model = kind.model_validate(value)
    assert set(_unknown(model, "")) == allowed, value
    assert model.model_dump(mode="json", exclude_unset=True) == value


def _unknown(value: Any, path: str) -> list[str]:
    """Return the paths of everything the SDK kept without knowing it."""
    if isinstance(value, BaseModel):
        found = [f"{path}{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += _unknown(getattr(value, name), f"{path}{name}.")
        return found
    if isinstance(value, list):
        return [name for each in value for name in _unknown(each, path)]
    return []
