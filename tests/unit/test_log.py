"""The log: garbage is a line, an error of ours is a traceback."""

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import voice_ui
from voice_ui import log
from voice_ui.settings import Secret
from voice_ui.tuning import shorten_malformed

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
    logger.addFilter(shorten_malformed)
    try:
        stumbling(*files)
    except KeyError:
        logger.error("Exception in ASGI application", exc_info=sys.exc_info())
    finally:
        logger.removeFilter(shorten_malformed)
    return caplog.text


def test_a_message_that_is_none_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    text = written(caplog, f"{HOUSE}/sharing/guard.py", "/x/engineio/packet.py")
    assert "a malformed message (KeyError)" in text and "Traceback" not in text


@pytest.mark.parametrize("files", [("/x/socketio/server.py", f"{HOUSE}/mic/mic.py"), ("/x/starlette/routing.py",)])
def test_another_error_keeps_its_traceback(files: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    assert "Traceback" in written(caplog, *files)


def lines_of(message: str, *arguments: object, error: BaseException | None = None) -> list[str]:
    """Return what the log writes for a message, line by line as a terminal and a log viewer break them."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("voice_ui.x", logging.WARNING, "x.py", 1, message, arguments, exc_info)
    return log.Formatter(log.FORMAT).format(record).splitlines()


EVIL = [
    "404 not found\n2026-11-26 00:00:00,000 voice_ui.app: all is well",
    "\r\n2026-11-26 00:00:00,000 x",
    "\x1b[2J\x1b[1;1Hcleared",
    "\x9b2J",
    "\u202egnp.exe",
    "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "\x00\x07\x08",
    "\ud83d",
]


@pytest.mark.parametrize("words", EVIL)
def test_words_from_outside_stay_in_their_line(words: str) -> None:
    for lines in (lines_of(words.replace("%", "%%")), lines_of("the server said %s", words)):
        assert len(lines) == 1
        assert lines[0].isprintable()
        assert lines[0].encode()


@pytest.mark.parametrize("words", EVIL)
def test_no_line_of_a_traceback_looks_like_a_record(words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError as error:
        first, *more = lines_of("it failed", error=error)
    assert first.endswith("voice_ui.x: it failed") and more
    for line in more:
        assert line.startswith("    | ") and line.isprintable()


def test_a_long_message_is_cut_and_a_key_at_the_cut_is_not_halved() -> None:
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    Secret(key)
    (line,) = lines_of("%s", "x" * (log.MESSAGE_CHARACTERS - 10) + key + "y" * 10_000)
    assert len(line) < log.MESSAGE_CHARACTERS + 200 and "characters)" in line
    assert key[:6] not in line


def test_a_key_in_a_traceback_is_redacted() -> None:
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    Secret(key)
    try:
        raise ConnectionError(f"https://me:{key}@proxy.example refused")
    except ConnectionError as error:
        assert key not in "".join(lines_of("it failed", error=error))


def test_a_flood_of_one_kind_is_counted_instead_of_written() -> None:
    now = 0.0
    burst = log.Burst(lambda: now)

    def written(message: str) -> logging.LogRecord | None:
        record = logging.LogRecord("nicegui", logging.WARNING, "nicegui.py", 180, message, None, None)
        return record if burst.filter(record) else None

    shown = [written(f"http://127.0.0.1:8080/{number} not found") for number in range(10_000)]
    assert sum(record is not None for record in shown) == log.BURST
    assert written("something else") is not None
    now = log.BURST_SECONDS
    record = written("http://127.0.0.1:8080/x not found")
    assert record is not None and f"{10_000 - log.BURST:,} more like it" in record.getMessage()


def test_a_stream_that_knows_ascii_only_ends_nothing() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    log.show_what_can_be_shown(stream)
    stream.write("büro ▀")
    stream.flush()
    assert stream.buffer.getvalue() == b"b\\xfcro \\u2580"  # type: ignore[attr-defined]
