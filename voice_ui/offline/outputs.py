"""What comes out of the engine for one input: server events to send and effects to carry out, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable

from voice_ui.offline.dialect import Dialect
from voice_ui.offline.effects import Effect
from voice_ui.offline.events import ServerEvent

Output = ServerEvent | Effect


class Outputs:
    """Collects outputs until somebody takes them; events leave in the client's dialect."""

    def __init__(self, new_id: Callable[[str], str], dialect: Dialect) -> None:
        self._new_id = new_id
        self._dialect = dialect
        self._waiting: list[Output] = []

    def say(self, *told: ServerEvent) -> None:
        """Send events, each under an `event_id` of its own."""
        for event in told:
            said = self._dialect.write(event)
            if said is not None:
                self._waiting.append({"type": said["type"], "event_id": self._new_id("event"), **said})

    def do(self, effect: Effect) -> None:
        """Have an effect carried out."""
        self._waiting.append(effect)

    def take(self) -> list[Output]:
        """Return what was collected, and forget it."""
        taken, self._waiting = self._waiting, []
        return taken
