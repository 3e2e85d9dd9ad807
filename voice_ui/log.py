"""The log: times and codes, a line each. What strangers send stands in no line, and is no fault of ours."""

from __future__ import annotations

import logging
import traceback
from itertools import dropwhile
from pathlib import Path

HOME = Path(__file__).parent

SOCKET_LIBRARIES = {"engineio", "socketio"}


def write() -> None:
    """Write to standard error what is of interest."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_nobody_left)
    for name in ("uvicorn.error", "engineio.server", "asyncio"):
        logging.getLogger(name).addFilter(_in_one_line)
    logging.getLogger("engineio.server").handlers.clear()  # its own would write everything a second time


def _nobody_left(record: logging.LogRecord) -> bool:
    """Drop what starlette makes of a visitor who leaves while a file is on its way."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")


def _in_one_line(record: logging.LogRecord) -> bool:
    """Make a line of the traceback of a message that is none."""
    error = record.exc_info[1] if record.exc_info else None
    if error and _was_raised_reading(error):
        record.msg, record.args = "a page sent what is no message (%s)", (type(error).__name__,)
        record.exc_info = record.exc_text = None
    return True


def _was_raised_reading(error: BaseException) -> bool:
    """Whether the socket's library, or NiceGUI behind it, stumbled before any room of ours had its turn."""
    places = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    behind = list(dropwhile(lambda place: not SOCKET_LIBRARIES.intersection(place.parts), places))
    return bool(behind) and not any(place.is_relative_to(HOME) for place in behind)
