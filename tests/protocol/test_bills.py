"""A thousand conversations over all models: what they cost is what an independent sum says, and every limit fires."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.patience import until
from tests.protocol.reader import CONFIG, Reader, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from tests.virtual_time import in_virtual_time
from voice_ui.models import MODELS, TRANSCRIPTION_MINUTE
from voice_ui.session import Account, Limits, LocalAccounts, RealtimeSession

CONVERSATIONS = 1000
CENT = Decimal("0.01")

FULL = ("4", "0.40", "24", "32", "0.40", "64", "5", "0.50")
OLDER = ("4", "0.40", "16", "32", "0.40", "64", "5", "0.50")
MINI = ("0.60", "0.06", "2.40", "10", "0.30", "20", "0.80", "0.08")
PRICES = {
    "gpt-realtime-2.1": FULL,
    "gpt-realtime-2": FULL,
    "gpt-realtime-1.5": OLDER,
    "gpt-realtime": OLDER,
    "gpt-realtime-2025-08-28": OLDER,
    "gpt-realtime-2.1-mini": MINI,
    "gpt-realtime-mini": MINI,
    "gpt-realtime-mini-2025-12-15": MINI,
    "gpt-realtime-mini-2025-10-06": MINI,
}
"""Per million tokens: text in, cached, out; audio in, cached, out; image in, cached. Typed again, from the pages."""
MINUTE = {"gpt-live-transcribe": "0.017", "gpt-realtime-whisper": "0.017", "gpt-transcribe": "0.0045"}


def price(usage: dict[str, Any], model: str) -> Decimal:
    """Return what a response costs, straight from the server's words."""
    text_in, text_cached, text_out, audio_in, audio_cached, audio_out, image_in, image_cached = map(
        Decimal, PRICES[model]
    )
    inputs, outputs = usage["input_token_details"], usage["output_token_details"]
    cached = inputs["cached_tokens_details"]
    millionths = (
        (inputs["text_tokens"] - cached["text_tokens"]) * text_in
        + cached["text_tokens"] * text_cached
        + outputs["text_tokens"] * text_out
        + (inputs["audio_tokens"] - cached["audio_tokens"]) * audio_in
        + cached["audio_tokens"] * audio_cached
        + outputs["audio_tokens"] * audio_out
        + (inputs["image_tokens"] - cached["image_tokens"]) * image_in
        + cached["image_tokens"] * image_cached
    )
    return millionths / 1_000_000


def price_of_transcript(usage: dict[str, Any], model: str) -> Decimal:
    """Return what a transcript costs; 600 tokens are a minute."""
    minutes = (
        Decimal(str(usage["seconds"])) / 60 if usage["type"] == "duration" else Decimal(usage["input_tokens"]) / 600
    )
    return minutes * Decimal(MINUTE[model])


@dataclass
class Script:
    """One conversation, and what its server bills."""

    model: str
    transcription_model: str
    turns: list[dict[str, Any]]
    transcripts: list[dict[str, Any]]
    cost: Decimal = Decimal(0)
    before_last: Decimal = Decimal(0)
    replies: int = 0

    def bill(self, dollars: Decimal) -> None:
        self.cost += dollars


def a_usage(chance: random.Random) -> dict[str, Any]:
    text, audio, image = chance.randrange(3000), chance.randrange(9000), chance.choice((0, 0, 85, 765))
    cached = {name: chance.randint(0, most) for name, most in (("text", text), ("audio", audio), ("image", image))}
    text_out, audio_out = chance.randrange(800), chance.choice((0, 0, chance.randrange(2400)))
    return {
        "total_tokens": text + audio + image + text_out + audio_out,
        "input_tokens": text + audio + image,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text,
            "audio_tokens": audio,
            "image_tokens": image,
            "cached_tokens": sum(cached.values()),
            "cached_tokens_details": {f"{name}_tokens": count for name, count in cached.items()},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


def a_transcript(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        return {"type": "duration", "seconds": round(chance.uniform(0.1, 60), 2)}
    tokens = chance.randrange(1, 600)
    details = {"text_tokens": 0, "audio_tokens": tokens}
    return {
        "type": "tokens", "total_tokens": tokens, "input_tokens": tokens, "output_tokens": 0,
        "input_token_details": details,
    }  # fmt: skip


def scripts() -> Iterator[Script]:
    chance = random.Random(18)
    for number in range(CONVERSATIONS):
        count = chance.randint(1, 4)
        yield Script(
            list(PRICES)[number % len(PRICES)],
            chance.choice(list(MINUTE)),
            [a_usage(chance) for _ in range(count)],
            [a_transcript(chance) for _ in range(count)],
        )


def test_the_prices_that_are_typed_here_are_of_all_models_that_have_any() -> None:
    assert PRICES.keys() == {name for name, model in MODELS.items() if model.prices}
    assert MINUTE.keys() == TRANSCRIPTION_MINUTE.keys()


class Server:
    """Plays the conversation that the address names."""

    def __init__(self, all_scripts: list[Script]) -> None:
        self.scripts = all_scripts

    async def play(self, wire: Wire) -> None:
        assert wire.websocket.request is not None
        script = self.scripts[int(parse_qs(urlsplit(wire.websocket.request.path).query)["n"][0])]
        with suppress(ConnectionClosed):
            await wire.configure()
            for number, (usage, transcript) in enumerate(zip(script.turns, script.transcripts, strict=True)):
                name = "conversation.item.input_audio_transcription.completed"
                await wire.say(name, item_id=f"u{number}", content_index=0, transcript="hello", usage=transcript)
                script.bill(price_of_transcript(transcript, script.transcription_model))
                await wire.hear("response.create")
                script.replies, script.before_last = script.replies + 1, script.cost
                script.bill(price(usage, script.model))
                await wire.begin_reply("Yes.", response=f"r{number}", item=f"a{number}")
                await wire.end_reply(f"r{number}", usage=usage)
            await wire.until_closed()


@pytest.mark.long
@in_virtual_time
async def test_a_thousand_conversations_cost_what_an_independent_sum_says_and_limits_fire_within_one_reply() -> None:
    all_scripts = list(scripts())
    accounts, chance = LocalAccounts(), random.Random(81)
    fired = dict.fromkeys(("cost-limit", "cost-limit-visitor", "cost-limit-day", "cost-limit-total"), 0)
    async with ScriptedServer(Server(all_scripts).play).running() as server:
        for number, script in enumerate(all_scripts):
            endpoint = replace(
                server.endpoint,
                model=script.model,
                url=f"{server.url.partition('?')[0]}?model={script.model}&n={number}",
                prices=MODELS[script.model].prices,
            )
            account = Account(accounts, f"visitor {number % 50}")
            limits = limits_near(account, chance)
            config = replace(CONFIG, transcription_model=script.transcription_model)
            async with session_with(endpoint, config, limits, account=account) as (session, reader):
                await converse(session, reader, script)
            check(script, session, reader, limits, account)
            for code in set(reader.codes):
                fired[code] += 1
            server.wires.clear()
    total = sum((script.cost for script in all_scripts), Decimal(0))
    spent = accounts.spent("").total
    assert abs(Decimal(spent) - total) < Decimal("0.000001") and f"{spent:.2f}" == str(total.quantize(CENT))
    assert min(fired.values()) >= 20, f"of {CONVERSATIONS} conversations, limits ended {fired}"


def limits_near(account: Account, chance: random.Random) -> Limits:
    """Return no limit, or one of the four that two or three replies reach."""
    room, spent = chance.uniform(0.02, 0.9), account.spent
    return chance.choice(
        [
            Limits(),
            Limits(max_cost=room),
            Limits(max_cost_per_visitor=spent.visitor + room),
            Limits(max_cost_per_day=spent.day + room),
            Limits(max_cost_total=spent.total + room),
        ]
    )


async def converse(session: RealtimeSession, reader: Reader, script: Script) -> None:
    """Type a line for each turn, until all are answered or a limit ends it."""
    session.start()
    for turn in range(len(script.turns)):
        session.send_text(f"Question {turn}?")
        await until(lambda turn=turn: len(reader.written("assistant")) > turn or reader.codes != [])
        if reader.codes:
            break
    await until(lambda: script.replies == len(script.turns) or reader.codes != [])
    session.stop()
    await until(lambda: session.state.at_rest, 60)


def check(script: Script, session: RealtimeSession, reader: Reader, limits: Limits, account: Account) -> None:
    """The bill is right; the reply before the last was below the limit, and a limit that is reached was reported."""
    assert abs(Decimal(session.budget.dollars) - script.cost) < Decimal("0.000001"), script
    assert session.budget.is_exact and session.budget.cost is not None
    of_this, spent = session.budget.dollars, account.spent
    for most, sum_so_far in (
        (limits.max_cost, of_this),
        (limits.max_cost_per_visitor, spent.visitor),
        (limits.max_cost_per_day, spent.day),
        (limits.max_cost_total, spent.total),
    ):
        if most is None:
            continue
        earlier = sum_so_far - of_this
        if script.replies:
            assert earlier + float(script.before_last) < most, "the last reply was asked for below the limit"
        if sum_so_far >= most:
            assert len(set(reader.codes)) == 1
        if reader.codes:
            context = max((usage["total_tokens"] for usage in script.turns[: script.replies]), default=0)
            assert sum_so_far + context * 0.4 / 1_000_000 >= most, "nothing ends before its limit"
