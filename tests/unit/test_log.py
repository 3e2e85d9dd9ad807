"""The log: garbage is a line, an error of ours is a traceback."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import voice_ui
from voice_ui import log

HOUSE = str(Path(voice_ui.__file__).parent)


def stumbling(*files: str) -> None:
    """Raise an error out of a function in the last of these files, which those before it have called."""
    call: Callable[[], object] = lambda: {}["client_id"]  # noqa: E731
    for file in reversed(files):
        names: dict[str, Callable[[], object]] = {"call": call}
        exec(compile("def here():\n    return call()\n", file, "exec"), names)
        call = names["here"]
    call()


def written(caplog: pytest.LogCaptureFixture, *files: str) -> str:
    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(log._in_one_line)
    try:
        stumbling(*files)
    except KeyError:
        logger.error("Exception in ASGI application", exc_info=sys.exc_info())
    finally:
        logger.removeFilter(log._in_one_line)
    return caplog.text


def test_a_message_that_is_none_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    text = written(caplog, f"{HOUSE}/sharing/guard.py", "/x/engineio/packet.py")
    assert "what is no message (KeyError)" in text and "Traceback" not in text


@pytest.mark.parametrize("files", [("/x/socketio/server.py", f"{HOUSE}/mic/mic.py"), ("/x/starlette/routing.py",)])
def test_another_error_keeps_its_traceback(files: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    assert "Traceback" in written(caplog, *files)
