"""Ten thousand random and mutated server messages: none raises, whatever it is given to. The seed is kept."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from voice_ui import audio
from voice_ui.conversation import Conversation
from voice_ui.page import messages
from voice_ui.protocol import SessionConfig, dialect_of, parse, server
from voice_ui.servers import Endpoint
from voice_ui.session.accounts import Account
from voice_ui.session.barge_in import BargeIn
from voice_ui.session.budget import Budget, Limits
from voice_ui.session.context import Context
from voice_ui.session.diagnosis import difference, problem_of, seconds_left
from voice_ui.session.dialogue import Dialogue
from voice_ui.session.event_transport import EventTransport
from voice_ui.session.ledger import LocalAccounts
from voice_ui.session.link import Link
from voice_ui.session.playback import Playback
from voice_ui.session.reports import Reports
from voice_ui.session.session import RealtimeSession
from voice_ui.session.stream import Stream
from voice_ui.session.tools import Calls
from voice_ui.tools import Toolbox

SEED = 20261123
MESSAGES = 10_000

TURN: list[dict[str, Any]] = [
    {"type": "session.created", "session": {"type": "realtime", "audio": {"input": {}}, "expires_at": 1_800_000_000}},
    {"type": "session.updated", "session": {"output_modalities": ["text"]}},
    {"type": "input_audio_buffer.speech_started", "item_id": "u", "audio_start_ms": 640},
    {"type": "input_audio_buffer.speech_stopped", "item_id": "u", "audio_end_ms": 2240},
    {"type": "input_audio_buffer.committed", "item_id": "u", "previous_item_id": None},
    {"type": "conversation.item.added", "item": {"id": "u", "role": "user", "content": [{"type": "input_audio"}]}},
    {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": "Hello"},
    {"type": "conversation.item.input_audio_transcription.failed", "item_id": "u", "error": {"code": "x"}},
    {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
    {"type": "response.output_text.delta", "response_id": "r", "item_id": "a", "delta": "Hi"},
    {"type": "response.output_text.done", "response_id": "r", "item_id": "a", "text": "Hi there"},
    {"type": "response.done", "response": {"id": "r", "status": "failed", "status_details": {"error": {"code": "c"}},
                                           "usage": {"input_tokens": 5, "input_token_details": {"audio_tokens": 3}}}},
    {"type": "conversation.item.deleted", "item_id": "u"},
    {"type": "error", "error": {"type": "t", "code": "c", "message": "try again in 1.5s", "param": None}},
]  # fmt: skip

ODD: list[Any] = [None, True, -1, 1e308, "", "x" * 300, [], {}, [[]], {"type": {}}, "\ud800", 2**70, "id"]


def mutated(value: Any, chance: random.Random) -> Any:
    """Return `value` with some of its parts replaced, dropped or doubled."""
    if chance.random() < 0.12:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: mutated(part, chance) for key, part in value.items() if chance.random() > 0.08}
    if isinstance(value, list):
        return [mutated(part, chance) for part in value for _ in range(chance.choice((0, 1, 1, 2)))]
    return value


def message(chance: random.Random) -> str | bytes:
    """Return one message: mutated events, cut or bent ones, and noise."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(80))
    event = chance.choice(TURN)
    text = json.dumps({"type": event["type"], **(mutated(event, chance) or {})} if chance.random() < 0.5 else event)
    if chance.random() < 0.2:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(["", "}", '"', "\x00", "🎤"]) + text[at + 1 :]
    return text


def mutated_event(chance: random.Random) -> str | bytes:
    try:
        return message(chance)
    except TypeError:
        return b""  # the mutation left no object to build on


class Nowhere:
    """A transport to nobody."""

    alive_at = 0.0
    patience = 10.0
    round_trip_ms = None
    problem = None

    async def send(self, event: dict[str, Any]) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[str]:
        return
        yield


async def test_no_server_message_raises_whatever_it_is_given_to() -> None:
    chance = random.Random(SEED)
    endpoint = Endpoint("s", "ws://localhost/v1/realtime?model=m", "m")
    stream, conversation = Stream(), Conversation()
    ids = (f"e{number}" for number in count())
    clock = count().__next__
    reports = Reports()
    transport = EventTransport(Nowhere(), reports, None)
    link = Link(transport, endpoint, SessionConfig(), stream, ids, clock, lambda entry: None, lambda: True)
    budget = Budget(Limits(), Account(LocalAccounts()))
    context = Context(
        endpoint, SessionConfig(), conversation, budget, reports, Counter(), ids, clock, stream, link=link
    )
    calls = Calls(context, Toolbox(), RealtimeSession(endpoint), lambda: None)
    dialogue = Dialogue(context, calls, BargeIn(), Playback())
    understood = 0
    for _ in range(MESSAGES):
        event = parse(mutated_event(chance))
        stream.append_audio(audio.silence(20), clock())
        stream.send_next(clock())
        problem = problem_of(event, endpoint)
        assert problem is None or (messages.cause(problem) and messages.fix(problem))
        dialogue.take(event, link)
        stream.trim(link.unanswered_ms)
        if isinstance(event, server.SessionCreated | server.SessionUpdated):
            dialect_of(event.session)
            seconds_left(event.session, 0.0)
            difference({"session": {"output_modalities": ["text"]}}, event.session)
        understood += not isinstance(event, server.Malformed)
    assert conversation.items
    # Neither all nonsense nor all sense, or the test tests nothing.
    assert 0.3 < understood / MESSAGES < 0.95
