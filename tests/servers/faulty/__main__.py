"""`python -m tests.servers.faulty`; prints its address as the first line, like `python -m voice_ui.offline`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from tests.servers.faulty import faults, serve
from voice_ui.offline.__main__ import until_interrupted


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.faulty")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--fault", metavar="NAME[:NUMBER]", help="fail in this way; `list` shows the ways")
    options = parser.parse_args(argv)
    if options.fault == "list":
        sys.stdout.write(faults.listing())
        return 0
    if options.fault:
        try:
            faults.parse(options.fault)
        except ValueError as error:
            parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    asyncio.run(_run(options))
    return 0


async def _run(options: argparse.Namespace) -> None:
    async with serve(options.host, options.port, fault=options.fault) as server:
        await until_interrupted(server, f"It fails on purpose: {options.fault}.\n" if options.fault else "")


if __name__ == "__main__":
    sys.exit(main())
