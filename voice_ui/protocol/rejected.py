"""A client event that is refused. Pure."""

from __future__ import annotations


class Rejected(Exception):
    """A client event that is refused: none of it takes effect, and the session goes on."""

    def __init__(self, code: str | None, message: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        """The path of the field: `session.audio.input.format.rate`."""
        self.event_id = event_id
        """The client's own, where it gave one."""
