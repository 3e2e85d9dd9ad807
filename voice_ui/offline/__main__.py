"""`python -m voice_ui.offline`: only the practice server, for any client of the realtime protocol."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence

from voice_ui import settings
from voice_ui.errors import SettingsError
from voice_ui.offline import defaults, server
from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.parts import DetectorUnavailable, RecognizerUnavailable

ABOUT = """\
The practice server of Voice UI: OpenAI's realtime protocol without a key, a network or a language model.
It understands English, and reads its replies aloud to clients that ask for audio. Stop it with Ctrl+C.
"""

ANSWERED_BY = "The chat model at {place} answers.\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m voice_ui.offline", description=ABOUT)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    options = parser.parse_args(argv)
    try:
        chat = ChatEndpoint.of(settings.load([]))
    except SettingsError as error:
        sys.stderr.writelines(f"voice-ui: {line}\n" for line in f"{error}".splitlines())
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    try:
        asyncio.run(_run(options.host, options.port, chat))
    except KeyboardInterrupt:  # event loops that cannot handle signals
        pass
    except (OSError, OverflowError, UnicodeError) as error:  # a port or a name that cannot be one
        sys.stderr.write(f"voice-ui: cannot listen on {options.host} port {options.port}: {error}\n")
        return 2
    return 0


async def _run(host: str, port: int, chat: ChatEndpoint | None) -> None:
    about = f"{ABOUT}{ANSWERED_BY.format(place=chat.place)}" if chat else ABOUT
    async with server.serve(host, port, brain=defaults.default_brain(chat)) as practice:
        await until_interrupted(practice, about)


async def until_interrupted(practice: server.PracticeServer, about: str) -> None:
    """Print the address, load the rest, and wait for a signal to stop."""
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    sys.stdout.write(f"{practice.url}\n{about}")
    sys.stdout.flush()
    warming = asyncio.create_task(_warm(practice), name="offline: warm")
    await stopped.wait()
    warming.cancel()
    await asyncio.gather(warming, return_exceptions=True)


async def _warm(practice: server.PracticeServer) -> None:
    try:
        await practice.warm()
    except DetectorUnavailable as error:
        logging.getLogger(__name__).warning("speech works only with push to talk: %s", error)
    except RecognizerUnavailable as error:
        logging.getLogger(__name__).warning("speech is detected, but not transcribed: %s", error)


if __name__ == "__main__":
    sys.exit(main())
