"""What a run came to: words delivered, reported lost or taken back, calls and their outputs, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.words import WORD_MS
from tests.soak.network import Line

if TYPE_CHECKING:
    from tests.soak.run import Run


@dataclass
class Said:
    """A word, or a typed line."""

    what: int | str
    at: float
    order: int
    """Its place among all that happened in the run."""
    session: int
    """Which session it was said to: some schedules close one and go on with another."""
    connecting: bool = False
    """Whether the first connection was still being made: the page shows that nobody listens yet."""


@dataclass
class Outcome:
    """What one schedule came to."""

    seed: int
    said: int = 0
    delivered: int = 0
    reported: int = 0
    excused: int = 0
    """Words the person took back: by closing the page, by Escape, by another way of taking turns."""
    lines: int = 0
    connections: int = 0
    calls: int = 0
    outputs: int = 0
    """Calls whose output reached a server."""
    truncates: int = 0
    faults: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def account(run: Run) -> None:
    """Find what is unaccounted for in a run that is over, and count the rest."""
    outcome = run.outcome
    outcome.connections, outcome.lines = len(run.network.lines), len(run.typed)
    for line in run.network.lines:
        for complaint in line.wire.judge.complaints:
            run.fault(f"sent: {complaint}")
        for item_id, heard_ms in line.server.record.truncated_ms.items():
            outcome.truncates += 1
            if heard_ms > (played_ms := run.speaker.played_ms.get(item_id, 0.0)) + 1:
                run.fault(f"{item_id} is truncated at {heard_ms} ms, and {played_ms:.0f} ms were played")
        if (serving := line.serving) and serving.done() and not serving.cancelled() and serving.exception():
            run.fault(f"server: {serving.exception()!r}")
    answered, taken = _answered(run)
    missing: list[Said] = []
    for said in run.words:
        outcome.said += 1
        if said.what in answered:
            outcome.delivered += 1
        elif _is_taken_back(run, said, taken):
            outcome.excused += 1
        else:
            missing.append(said)
    seconds = len(missing) * WORD_MS / 1000
    if run.lost_seconds >= seconds - 0.051:
        outcome.reported = len(missing)
    else:
        names = [said.what for said in missing]
        at = [round(said.at, 1) for said in missing]
        run.fault(f"words {names} said at {at} are lost, and {run.lost_seconds:.1f} s of {seconds:.1f} reported")
    _account_for_lines(run)
    _account_for_calls(run)


def _is_taken_back(run: Run, said: Said, taken: dict[Any, float]) -> bool:
    """Whether nobody waits for an answer to this word any more, and the person knows."""
    if any(order > said.order for order in run.forgotten):
        return True
    if said.connecting and any(order > said.order for order in run.failed):
        return True  # no connection came about, and that is what the page says
    return said.what in taken and any(order > said.order and at >= taken[said.what] for order, at in run.over)


def _answered(run: Run) -> tuple[set[Any], dict[Any, float]]:
    """Return the words the session knows to be answered or written down, and when each was first taken."""
    answered: set[Any] = set()
    taken: dict[Any, float] = {}
    for line in run.network.lines:
        written = {
            event["item_id"]
            for event in line.told
            if event["type"] == "conversation.item.input_audio_transcription.completed"
        }
        replied = _replied(line)
        for utterance in line.server.record.utterances:
            if utterance.item_id in written or utterance.item_id in replied:
                answered.update(utterance.words)
            for number in utterance.words:
                taken.setdefault(number, utterance.at)
    return answered, taken


def _account_for_lines(run: Run) -> None:
    answered = set()
    for line in run.network.lines:
        items = line.server.record.items
        answered |= {items[item] for item in _replied(line) if item in items}
    for said in run.typed:
        later = [*(order for order, _ in run.over), *run.forgotten, *run.failed]
        if said.what not in answered and not any(order > said.order for order in later):
            run.fault(f"{said.what!r}, typed at {said.at:.1f}, is never answered")
    shown = [item.text for item in run.session.conversation.items if item.role == "user"]
    for said in run.typed:
        if said.session == run.session_number and shown.count(str(said.what)) > 1:
            run.fault(f"{said.what!r} is in the conversation {shown.count(str(said.what))} times")


def _account_for_calls(run: Run) -> None:
    outcome = run.outcome
    outcome.calls = len(run.calls)
    for call_id, times in run.functions.made.items():
        if times > 1:
            run.fault(f"{call_id} was run {times} times")
    given = {call_id for line in run.network.lines for call_id in line.server.record.outputs}
    answered = {answer for line in run.network.lines for answer in _replied(line)}
    ends = {
        event["response"]["id"]: event["response"]["status"]
        for line in run.network.lines
        for event in line.told
        if event["type"] == "response.done"
    }
    made_by = {call: by for line in run.network.lines for call, by in line.server.record.calls.items() if by}
    for call_id, order in run.calls.items():
        outcome.outputs += call_id in given
        later = [*(order for order, _ in run.over), *run.forgotten, *run.failed, *run.dropped]
        if any(each > order for each in later):
            continue
        if call_id not in given:
            run.fault(f"{call_id} has no output")
        elif call_id not in answered and ends.get(made_by[call_id], "completed") == "completed":
            run.fault(f"{call_id} has an output, and nothing answers it")


def _replied(line: Line) -> set[str]:
    """Return what is answered: by responses that were told to be over, or whose calls stand for their answer."""
    done = [event["response"]["id"] for event in line.told if event["type"] == "response.done"]
    items = [event for event in line.told if event["type"] == "response.output_item.done"]
    done += [event["response_id"] for event in items if event["item"]["type"] == "function_call"]
    return {item for response in done for item in line.server.record.answers.get(response, ())}
