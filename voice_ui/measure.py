"""How fast the configured server answers from here, stage by stage: `python -m voice_ui.measure`.

It opens connections, asks a recorded question over the last of them again and again, and reads the reply, as the page
does but without a browser. A turn is timed from the last sample of the question, in seconds of the monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from voice_ui import audio, preflight, servers, settings
from voice_ui.errors import Problem, SessionError, SettingsError
from voice_ui.offline import server as offline_server
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.defaults import default_brain
from voice_ui.offline.recognizer import RecognizerUnavailable
from voice_ui.page import messages
from voice_ui.page.load import Load
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import (
    Phase,
    ProblemRaised,
    RealtimeSession,
    Stage,
    StateChanged,
    TracedEvent,
    Tracer,
    TurnTimed,
    percentile,
)
from voice_ui.settings import Settings
from voice_ui.transport import Dialer, Transport

CLIP = Path(__file__).parent / "question.wav"
"""“What is seven plus five”, without any silence before or after it."""

TURN_SECONDS = 60.0
"""For one turn, from the first word of the question to the end of the reply."""

STAGES = {
    "connect": "connection open",
    "first_event": "first event",
    "ready": "configuration confirmed",
    "round_trip": "network round trip",
    Stage.SPEECH_STOPPED.value: "end of speech → turn ended",
    Stage.RESPONSE_CREATED.value: "end of speech → response created",
    Stage.FIRST_TEXT.value: "end of speech → first text",
    Stage.FIRST_ANSWER.value: "end of speech → first text of the answer",
    Stage.RESPONSE_DONE.value: "end of speech → reply complete",
}
"""What is measured, as the JSON and as the table call it. The first three are counted from the first SYN."""


@dataclass
class Figures:
    """Milliseconds of each stage, one value for each connection or turn."""

    server: str
    model: str
    turn_detection: str
    stages: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    load: str = ""
    """How busy this machine was, and how long the chunks of a page would have been."""

    def json(self) -> str:
        """Return everything, for other programs."""
        stages = {
            name: {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "values": values}
            for name, values in self.stages.items()
            if values
        }
        return json.dumps({**asdict(self), "unit": "ms", "stages": stages}, indent=1)

    def table(self) -> str:
        """Return medians and 95th percentiles; a stage that says nothing new is left out."""
        stages = dict(self.stages)
        if stages[Stage.FIRST_ANSWER] == stages[Stage.FIRST_TEXT]:  # no preamble
            del stages[Stage.FIRST_ANSWER]
        lines = [f"{'ms':42} {'p50':>7} {'p95':>7} {'n':>4}"]
        for name, values in stages.items():
            if values:
                p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
                lines.append(f"{STAGES[name]:42} {_short(p50):>7} {_short(p95):>7} {len(values):4}")
        return "\n".join([*lines, *([f"this machine: {self.load}"] if self.load else [])])


class _Reported(SessionError):
    """What ended the measurement has been printed already."""


class Measurement:
    """Runs sessions with one server and times them."""

    def __init__(self, endpoint: Endpoint, config: SessionConfig, dialer: Dialer) -> None:
        self.figures = Figures(endpoint.name, endpoint.model, config.turn_detection)
        self._endpoint, self._config, self._dialer = endpoint, config, dialer
        self._problem: Problem | None = None
        self._began = 0.0

    async def run(self, connections: int, turns: int) -> None:
        """Open this many connections, and take this many turns over the last; raises SessionError if one fails."""
        load = Load(lambda chunk_ms: _warn(f"This machine is busy: pages would now send chunks of {chunk_ms} ms."))
        load.begin()
        try:
            for number in range(1, connections + 1):
                async with RealtimeSession(self._endpoint, self._config, connect=self._connect) as session:
                    session.tracer = Tracer(self._see_event)
                    self._began = time.monotonic()
                    session.start()
                    await self._until_ready(session)
                    for _ in range(turns if number == connections else 0):
                        await self._take_turn(session)
        finally:
            self.figures.load = load.words
            load.end()

    @asynccontextmanager
    async def _connect(self, endpoint: Endpoint) -> AsyncIterator[Transport]:
        async with self._dialer.connect(endpoint) as transport:
            self._note("connect", self._began)
            yield transport

    def _see_event(self, event: TracedEvent) -> None:
        if len(self.figures.stages["first_event"]) < len(self.figures.stages["connect"]):
            self._note("first_event", self._began)

    async def _until_ready(self, session: RealtimeSession) -> None:
        async for event in session:
            self._take_problem(event)
            if isinstance(event, StateChanged) and event.state.phase is Phase.LISTENING:
                self._note("ready", self._began)
                return
            if session.state.at_rest:
                raise self._failed("connection-lost")

    async def _take_turn(self, session: RealtimeSession) -> None:
        """Ask the question, and read the reply to its end."""
        self._problem = None
        spoken = asyncio.get_running_loop().create_future()
        speaking = asyncio.create_task(self._speak(session, spoken), name="speak")
        try:
            async with asyncio.timeout(TURN_SECONDS):
                timed = await self._until_answered(session, spoken)
        except TimeoutError:
            raise self._failed("response-missing", seconds=f"{TURN_SECONDS:.0f}") from None
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        for stage, moment in timed.timer.moments.items():
            if stage is not Stage.SPEECH_END:
                self.figures.stages[stage].append((moment - spoken.result()) * 1000)
        self._note(Stage.RESPONSE_DONE, spoken.result())
        if timed.round_trip_ms is not None:
            self.figures.stages["round_trip"].append(timed.round_trip_ms)

    async def _until_answered(self, session: RealtimeSession, spoken: asyncio.Future[float]) -> TurnTimed:
        timed: TurnTimed | None = None
        async for event in session:
            self._take_problem(event)
            if isinstance(event, TurnTimed):
                timed = event  # once more after a preamble, with all that came before
            is_over = isinstance(event, StateChanged) and event.state.phase is Phase.LISTENING
            if session.state.at_rest or (is_over and self._problem and timed is None):
                break
            if is_over and timed and spoken.done():  # a server may reply to half of the question first
                return timed
        raise self._failed("response-missing", seconds=f"{TURN_SECONDS:.0f}")

    async def _speak(self, session: RealtimeSession, spoken: asyncio.Future[float]) -> None:
        """Say the clip as fast as somebody speaks, then silence; `spoken` is set at its last sample."""
        silence, start = audio.silence(audio.CHUNK_MS), time.monotonic()
        by_hand = self._config.turn_detection == "none"
        chunks = clip()
        if by_hand:
            session.begin_turn()
        number = 0
        while True:
            number += 1
            await asyncio.sleep(start + number * audio.CHUNK_MS / 1000 - time.monotonic())
            session.append_audio(chunks[number - 1] if number <= len(chunks) else silence)
            if number == len(chunks):
                spoken.set_result(time.monotonic())
                if by_hand:
                    session.end_turn()

    def _take_problem(self, event: object) -> None:
        if isinstance(event, ProblemRaised):
            self._problem = event.problem
            _warn(f"measure: {in_words(event.problem)}")

    def _failed(self, code: str, **facts: str) -> SessionError:
        """Return the error for what was reported last, or for this code if nothing was."""
        if self._problem:
            return _Reported(self._problem.code, self._problem.detail, **self._problem.facts)
        return SessionError(code, **self._endpoint.facts | facts)

    def _note(self, stage: str, since: float) -> None:
        self.figures.stages[stage].append((time.monotonic() - since) * 1000)


def clip() -> list[bytes]:
    """Return the question in chunks of the wire's PCM."""
    with wave.open(str(CLIP), "rb") as file:
        pcm = file.readframes(file.getnframes())
    step = len(audio.silence(audio.CHUNK_MS))
    return [pcm[at : at + step] for at in range(0, len(pcm), step)]


def in_words(problem: Problem) -> str:
    """Return what happened and what to do about it, for somebody at a command line."""
    return f"{messages.cause(problem)} {messages.fix(problem)}".replace("press Start", "run this again")


async def measure(chosen: Settings, connections: int, turns: int) -> Figures:
    """Measure the server in these settings, or the practice server; raises SessionError or SettingsError."""
    config = servers.config_of(chosen)
    if endpoint := servers.chosen(chosen):
        problem = preflight.look(endpoint, today=date.today(), key_source=servers.key_source(chosen))
        if problem and problem.code != "model-retiring":
            raise SessionError(problem.code, problem.detail, **problem.facts)
        return await _measure(endpoint, servers.suited(config, endpoint), chosen, connections, turns)
    async with offline_server.serve(brain=default_brain(ChatEndpoint.of(chosen))) as practice:
        with suppress(RecognizerUnavailable):
            await practice.warm()
        return await _measure(servers.offline(practice.url, chosen), config, chosen, connections, turns)


async def _measure(
    endpoint: Endpoint, config: SessionConfig, chosen: Settings, connections: int, turns: int
) -> Figures:
    name = f"{endpoint.name}, {endpoint.model}" if endpoint.model else endpoint.name
    _warn(f"Measuring {name}: {connections} connections, {turns} turns …")
    measurement = Measurement(endpoint, config, Dialer(chosen.transport))
    try:
        await measurement.run(connections, turns)
    except (SessionError, asyncio.CancelledError):
        if measurement.figures.stages[Stage.FIRST_TEXT]:  # it has been paid for
            sys.stdout.write(f"{measurement.figures.table()}\n")
        raise
    return measurement.figures


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, 1 if the server failed, 2 for a wrong setting."""
    parser = argparse.ArgumentParser(
        prog="python -m voice_ui.measure",
        description="Measures how fast the configured server answers from here. The settings are those of voice-ui.",
        epilog="On a paid server, each turn costs about as much as asking one short question on the page.",
    )
    parser.add_argument("--offline", action="store_true", help="measure the built-in practice server")
    parser.add_argument("--turns", type=_count, default=10, help="number of turns (default: %(default)s)")
    parser.add_argument("--connections", type=_count, default=5, help="number of connections (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all values to FILE")
    options = parser.parse_args(argv)
    try:
        chosen = settings.load(["--offline"] if options.offline else [])
        if options.json:
            options.json.open("a").close()  # before anything is paid for
        figures = asyncio.run(measure(chosen, options.connections, options.turns))
        sys.stdout.write(f"{figures.table()}\n")
        if options.json:
            options.json.write_text(figures.json(), encoding="utf-8")
    except KeyboardInterrupt:
        return 130
    except SettingsError as error:
        _warn(*(f"measure: {line}" for line in str(error).splitlines()))
        return 2
    except _Reported:
        return 1
    except SessionError as error:
        _warn(f"measure: {in_words(error.problem)}")
        return 1
    except OSError as error:
        _warn(f"measure: cannot write {options.json}: {error.strerror}")
        return 1
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < (number := int(text)) < 10_000:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number from 1 to 9999")
    return number


def _short(milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}"


def _warn(*lines: str) -> None:
    sys.stderr.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
