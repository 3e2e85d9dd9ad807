"""Audio threads that come first, as desktops have it (rtkit): a busy machine must not put gaps into what is judged."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

AUDIO = ("audio", "alsa", "pulse", "parec", "threaded-ml", "null-sink", "cubeb", "mediatrackgrph", "graphrunner")


def audio_threads_first(mark: str) -> None:
    """Give real-time priority to the audio threads of processes with `mark` in their environment, and those below.

    Where it is not allowed, nothing happens.
    """
    parents, family = {}, set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(process.name)
            parents[pid] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if mark.encode() in (process / "environ").read_bytes():
                family.add(pid)
    while children := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= children
    for pid in family:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                name = (task / "comm").read_text().lower()
                if any(word in name for word in AUDIO) and "pool" not in name:
                    os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(5))
