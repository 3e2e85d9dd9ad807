"""`python -m voice_ui.offline`: only the embedded realtime server, for any client of the realtime protocol."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence

from voice_ui.offline import faults, server
from voice_ui.offline.recognizer import RecognizerUnavailable

ABOUT = """\
Voice UI's offline practice server: OpenAI's realtime protocol, without a key, a network or a language model.
It understands short, clear English and writes its replies; it does not speak. Stop it with Ctrl+C.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m voice_ui.offline", description=ABOUT)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--dialect", choices=("ga", "beta"), default="ga", help="OpenAI's, or the one before it")
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
    try:
        asyncio.run(_run(options))
    except KeyboardInterrupt:  # where signals cannot be handled by the loop
        pass
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"voice-ui: cannot listen on {options.host} port {options.port}: {error}\n")
        return 2
    return 0


async def _run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    chosen = {"dialect": options.dialect, "fault": options.fault}
    async with server.serve(options.host, options.port, **chosen) as offline:
        failing = f"It fails on purpose: {options.fault}.\n" if options.fault else ""
        sys.stdout.write(f"{offline.url}\n{ABOUT}{failing}")
        sys.stdout.flush()
        warming = asyncio.create_task(_warm(offline), name="warm")
        await stopped.wait()
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)


async def _warm(offline: server.OfflineServer) -> None:
    try:
        await offline.warm()
    except RecognizerUnavailable as error:
        logging.getLogger(__name__).warning("speech is heard, but not understood: %s", error)


if __name__ == "__main__":
    sys.exit(main())
