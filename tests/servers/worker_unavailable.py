"""What runs in a worker process in tests where the work cannot be done."""

from __future__ import annotations

from voice_ui.offline.worker.handler import Handler, Unavailable


def load() -> Handler:
    raise Unavailable("not on a Tuesday")
