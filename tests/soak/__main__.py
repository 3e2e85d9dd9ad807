"""Run many schedules, or one again: `python -m tests.soak --schedules 50000`, `python -m tests.soak --seed 4711`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter

from tests.soak.run import Outcome, play
from tests.soak.schedule import schedule_of


def main() -> int:
    """Return the exit code: 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first schedule; the others follow")
    parser.add_argument("--seed", type=int, help="run this one schedule, and print what happens in it")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if options.seed is not None:
        return _one(options.seed)
    began = time.perf_counter()
    seeds = range(options.first, options.first + options.schedules)
    if options.workers == 1:
        outcomes = [_outcome(seed) for seed in seeds]
    else:
        with multiprocessing.Pool(options.workers) as pool:
            outcomes = pool.map(_outcome, seeds, chunksize=20)
    sys.stdout.write(summary(outcomes, time.perf_counter() - began))
    return int(any(outcome.faults for outcome in outcomes))


def _outcome(seed: int) -> Outcome:
    return play(schedule_of(seed))


def _one(seed: int) -> int:
    schedule = schedule_of(seed)
    sys.stdout.write(f"{schedule}\n")
    outcome = play(schedule, traced=True)
    sys.stdout.write("\n".join([*outcome.trace, *outcome.faults, ""]))
    return int(bool(outcome.faults))


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """Return the figures of many runs, and the kinds of faults with the seeds that show them."""
    said = sum(outcome.said for outcome in outcomes)
    lines = [
        f"{len(outcomes)} schedules (seeds {outcomes[0].seed} to {outcomes[-1].seed}) in {seconds:.0f} s, "
        f"{sum(outcome.connections for outcome in outcomes)} connections",
        f"words said {said}, delivered {sum(outcome.delivered for outcome in outcomes)}, "
        f"reported lost {sum(outcome.reported for outcome in outcomes)}, "
        f"taken back by the person {sum(outcome.excused for outcome in outcomes)}; "
        f"lines typed {sum(outcome.lines for outcome in outcomes)}",
        f"calls of tools {sum(outcome.calls for outcome in outcomes)}, "
        f"outputs given {sum(outcome.outputs for outcome in outcomes)}; "
        f"spoken replies truncated {sum(outcome.truncates for outcome in outcomes)}",
    ]
    kinds: dict[str, list[int]] = {}
    for outcome in outcomes:
        for fault in outcome.faults:
            kinds.setdefault(_kind(fault), []).append(outcome.seed)
    for kind, seeds in sorted(kinds.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(seeds):6} × {kind}: seeds {seeds[:8]}")
    if not kinds:
        lines.append("nothing is unaccounted for, nothing is left")
    return "\n".join([*lines, ""])


def _kind(fault: str) -> str:
    """Return a fault without its numbers."""
    words = ["#" if any(letter.isdigit() for letter in part) else part for part in fault.split()]
    return " ".join(part for part, _ in Counter(words).items())[:160]


if __name__ == "__main__":
    sys.exit(main())
