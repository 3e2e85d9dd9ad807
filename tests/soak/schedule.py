"""What happens in one run: what a person does, and what the network and the server do meanwhile. From a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from tests.servers.realtime import Behaviour
from tests.soak.speaker import Manner


@dataclass(frozen=True)
class Act:
    """Something that is done, with its numbers."""

    what: str
    number: float = 0.0

    def __str__(self) -> str:
        return f"{self.what} {self.number:g}" if self.number else self.what


@dataclass(frozen=True)
class Trouble:
    """Something that happens to the wire."""

    after_seconds: float
    what: str
    number: float = 0.0

    def __str__(self) -> str:
        return (
            f"+{self.after_seconds:.1f} s {self.what} {self.number:g}".rstrip(" 0")
            if self.number
            else (f"+{self.after_seconds:.1f} s {self.what}")
        )


@dataclass(frozen=True)
class Schedule:
    """One run."""

    seed: int
    chunk_ms: int
    by_hand: bool
    acts: list[Act]
    troubles: list[Trouble]
    behaviours: list[Behaviour] = field(default_factory=list)
    """Of the first connections; those that follow behave."""
    barge_in: str = "words"
    """What cuts a reply short."""
    tools: bool = False
    """Whether the model may call functions."""
    spoken: bool = False
    """Whether replies are spoken."""
    speaker: Manner | None = None
    """How the page plays them; None: nobody reports what was played."""

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: chunks of {self.chunk_ms} ms, turns {'by hand' if self.by_hand else 'detected'}, "
            f"barge-in {self.barge_in}, {'tools' if self.tools else 'no tools'}, "
            f"{f'spoken, speaker {self.speaker}' if self.spoken else 'written'}"
        ]
        lines += [f"  person: {', '.join(map(str, self.acts))}"]
        lines += [f"  wire:   {', '.join(map(str, self.troubles))}"]
        plain = Behaviour()
        for number, behaviour in enumerate(self.behaviours):
            odd = {name: value for name, value in vars(behaviour).items() if value != getattr(plain, name)}
            lines.append(f"  server {number}: {odd or 'behaves'}")
        return "\n".join(lines)


ACTS = {
    "start": 5, "stop": 3, "speak": 14, "burst": 3, "quiet": 10, "mute": 3, "type": 5, "escape": 3, "hold": 7,
    "reconfigure": 1, "turn-detection": 1, "another-model": 1, "reload": 1, "close": 1, "abort": 1, "dismiss": 1,
    "stop-for": 1, "barge-in": 1, "cough": 5,
}  # fmt: skip

TOOLS = ("quick", "quick", "slow", "slow", "ask", "fails", "hangs", "unknown")
"""What the model calls; see `tests.soak.functions`."""

TROUBLES = {
    "cut": 5, "flap": 2, "cut-after": 6, "half-open": 4, "down": 4, "hang": 3, "busy": 2, "refuse": 1, "latency": 3,
    "close": 2, "expire": 2, "error": 2, "long-outage": 1,
}  # fmt: skip


def schedule_of(seed: int) -> Schedule:
    """Return the schedule of this seed."""
    dice = random.Random(seed)
    acts = [Act("start"), *(_act(dice) for _ in range(dice.randint(2, 14)))]
    troubles = [_trouble(dice) for _ in range(dice.choice((0, 1, 1, 2, 2, 3, 5, 8)))]
    behaviours = [_behaviour(dice) for _ in range(dice.choice((0, 1, 2, 4)))]
    if any(behaviour.refuses_updates for behaviour in behaviours):  # the person would have to read what is refused
        acts = [Act("reconfigure") if act.what == "turn-detection" else act for act in acts]
    chunk_ms, by_hand = dice.choice((20, 40, 100, 200)), dice.random() < 0.3
    behaviours = [replace(behaviour, refuses_aloud=dice.random() < 0.5) for behaviour in behaviours]
    barge_in = dice.choice(("words", "words", "at-once", "never"))
    tools, spoken = dice.random() < 0.5, dice.random() < 0.4
    speaker: Manner | None = None
    if tools:
        calls_of_all = [_calls(dice) for _ in range(max(len(behaviours), dice.choice((1, 2, 4))))]
        behaviours += [Behaviour()] * (len(calls_of_all) - len(behaviours))
        behaviours = [replace(one, **calls) for one, calls in zip(behaviours, calls_of_all, strict=True)]
        _sprinkle(dice, acts, {"approve": 3, "refuse": 1})
    if spoken:
        speaker = dice.choice(("plays", "plays", "plays", "plays", "plays", "suspended", "deaf", None))
        behaviours = [replace(one, audio_ms=dice.choice((100, 400, 2000, 2000))) for one in behaviours]
        _sprinkle(dice, acts, {"output": 1, "escape": 1, "speak": 3})
    return Schedule(seed, chunk_ms, by_hand, acts, troubles, behaviours, barge_in, tools, spoken, speaker)


def _calls(dice: random.Random) -> dict[str, Any]:
    return {
        "calls": tuple(dice.choice(TOOLS) for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))),
        "call_rounds": dice.choice((1, 1, 2)),
        "calls_told": dice.choice(("everywhere", "everywhere", "everywhere", "only-in-done", "only-arguments")),
    }


def _sprinkle(dice: random.Random, acts: list[Act], weights: dict[str, int]) -> None:
    """Let a person do some of this in between."""
    for _ in range(dice.randint(0, 4)):
        what = _pick(dice, weights)
        acts.insert(dice.randint(1, len(acts)), Act(what, 3 if what == "speak" else 0))


def _pick(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _act(dice: random.Random) -> Act:
    what = _pick(dice, ACTS)
    number = 0.0
    match what:
        case "speak" | "burst":
            number = dice.choice((1, 2, 3, 5, 8, 20))
        case "cough":
            number = dice.choice((100, 200, 400))
        case "hold":
            number = dice.choice((0, 1, 3, 5, 10))
        case "quiet" | "mute":
            number = round(dice.choice((0.1, 0.5, 1, 3, 8)) * dice.uniform(0.7, 1.3), 1)
    return Act(what, number)


def _trouble(dice: random.Random) -> Trouble:
    what = _pick(dice, TROUBLES)
    after = round(dice.expovariate(1 / 4), 2)
    number = 0.0
    match what:
        case "flap":
            number = dice.randint(2, 5)
        case "cut-after":
            number = dice.choice((1, 2, 3, 5, 10, 20, 40))
        case "down" | "hang" | "busy":
            number = round(dice.choice((0.2, 1, 4, 12)) * dice.uniform(0.7, 1.3), 1)
        case "long-outage":
            number = dice.choice((50, 70))
        case "latency":
            number = dice.choice((0, 0.02, 0.1, 0.2))
        case "close":
            number = dice.choice((1000, 1001, 1011, 1012))
    return Trouble(after, what, number)


def _behaviour(dice: random.Random) -> Behaviour:
    changes: dict[str, Any] = {
        "transcripts": dice.choice(("early", "early", "early", "with-reply", "late", "never", "failed")),
        "replies": dice.choice(
            ("text", "text", "text", "preamble", "only-in-done", "nothing", "failed", "endless", "silent", "error",
             "delta-after-done")
        ),
        "think_seconds": dice.choice((0.0, 0.3, 0.3, 2.0, 6.0)),
        "places": dice.choice(("stream", "stream", "wall-clock", "absent", "float")),
        "noise": dice.random() < 0.1,
        "session_updated": dice.random() > 0.03,
        "refuses_updates": dice.random() < 0.1,
        "expires_seconds": dice.choice((None, None, None, None, 8.0, 20.0)),
    }  # fmt: skip
    return Behaviour(**changes)
