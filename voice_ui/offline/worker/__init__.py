"""A process for work that would hold up the event loop: speech recognition and synthesis."""

from voice_ui.offline.worker.worker import Worker, WorkerAborted, WorkerDied, WorkerFailed, WorkerUnavailable

__all__ = ["Worker", "WorkerAborted", "WorkerDied", "WorkerFailed", "WorkerUnavailable"]
