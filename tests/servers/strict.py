"""What a client may send: events of its dialect without an unknown field, in an order that a real server accepts."""

from __future__ import annotations

from typing import Any

from tests.judge import judge_beta_client_event, judge_client_event

BYTES_PER_MS = 48

LEAST_COMMIT_MS = 100.0
"""A commit of less is `input_audio_buffer_commit_empty`."""

KNOWN_AFTER_SECONDS = 0.5
"""A client that is told something acts on it within this time; before, its own event may have crossed it."""

APPEND_FIELDS = {"type", "audio", "event_id"}


class Judge:
    """Judges what one client sends over one connection; `complaints` holds what a real server would not have taken."""

    def __init__(self, *, beta: bool = False) -> None:
        self.complaints: list[str] = []
        self.configured = False
        self.buffered_ms = 0.0
        self._judge = judge_beta_client_event if beta else judge_client_event
        self._active: dict[str, float] = {}  # responses that run, and since when the client knows

    def told(self, event: dict[str, Any], now: float) -> None:
        """Take in what the server says."""
        match event["type"]:
            case "session.updated":
                self.configured = True
            case "response.created":
                self._active[_id(event)] = now + KNOWN_AFTER_SECONDS
            case "response.done":
                self._active.pop(_id(event), None)
            case "input_audio_buffer.committed" | "input_audio_buffer.cleared":
                self.buffered_ms = 0.0

    def ended(self, response: str) -> None:
        """A response is over, although the server does not say `response.done`."""
        self._active.pop(response, None)

    def heard(self, event: dict[str, Any], now: float) -> None:
        """Take in what the client says."""
        type = event.get("type")
        if type == "input_audio_buffer.append":
            self._append(event)
            return
        try:
            self._judge(event)
        except Exception as error:
            self._complain(f"{type}: {str(error)[:300]}")
            return
        if type == "response.create" and any(known <= now for known in self._active.values()):
            self._complain(f"response.create while {sorted(self._active)} runs")
        elif type == "input_audio_buffer.commit":
            if self.buffered_ms < LEAST_COMMIT_MS:
                self._complain(f"a commit of {self.buffered_ms:.0f} ms")
            self.buffered_ms = 0.0
        elif type == "input_audio_buffer.clear":
            self.buffered_ms = 0.0
        if type != "session.update" and not self.configured:
            self._complain(f"{type} before session.updated")

    def _append(self, event: dict[str, Any]) -> None:
        if not self.configured:
            self._complain("sound before session.updated")
        if not event.keys() <= APPEND_FIELDS:
            self._complain(f"append with {sorted(event.keys() - APPEND_FIELDS)}")
        self.buffered_ms += len(event["audio"]) * 3 / 4 / BYTES_PER_MS

    def _complain(self, what: str) -> None:
        self.complaints.append(what)


def _id(event: dict[str, Any]) -> str:
    response = event.get("response")
    return str(response.get("id", "")) if isinstance(response, dict) else ""
