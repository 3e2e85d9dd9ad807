"""Five minutes of it: `python -m tests.fleet [--seconds 300] [--people 20] [--every 20]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.fleet.run import SEATS, run


def main() -> int:
    """Return the exit code: 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--every", type=float, default=20, help="seconds from one killed replica to the next")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(run(Path(folder), people=options.people, seconds=options.seconds, every=options.every))
    sys.stdout.write(f"{outcome}\n")
    faults = outcome.forgotten()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return int(bool(faults) or outcome.lost > 0 or outcome.most_seats > SEATS)


if __name__ == "__main__":
    sys.exit(main())
