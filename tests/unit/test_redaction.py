"""No secret stays in words from outside, whatever its shape and however it is written."""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st

from voice_ui import redaction
from voice_ui.redaction import REDACTED, redact, redact_message, register
from voice_ui.settings import Secret


@pytest.fixture(autouse=True, scope="module")
def nothing_stays_known() -> Iterator[None]:
    known = dict(redaction._known)
    yield
    redaction._known.clear()
    redaction._known.update(known)
    redaction._pattern.cache_clear()
    redaction._forms_in_messages.cache_clear()


AZURE_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ODD_KEY = 'p"w\\d/+&<x>%y=z'


@pytest.mark.parametrize("key", [AZURE_KEY, ODD_KEY, "gsk_Ab12Cd34Ef56", "sk-proj-abcdef1234567890"])
@pytest.mark.parametrize(
    "around",
    ["Wrong key {}.", "x{}y", "\\n{}", "_{}_", "%20{}", "key={}&x", "Bearer {}", "{{'header': '{}'}}", "\x1b[31m{}"],
)  # fmt: skip
def test_a_known_key_is_taken_out_wherever_it_stands(key: str, around: str) -> None:
    Secret(key)
    assert key not in redact(around.format(key))


@pytest.mark.parametrize(
    "written",
    [
        lambda key: json.dumps({"key": key}),
        lambda key: json.dumps(json.dumps({"key": key})),
        lambda key: quote(key, safe=""),
        lambda key: quote(quote(key, safe=""), safe=""),
        lambda key: quote_plus(key),
        lambda key: html.escape(key),
        repr,
        lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: f"Basic {base64.b64encode(key.encode()).decode()}",
    ],
)
def test_a_known_key_is_taken_out_however_it_is_written(written: object) -> None:
    assert callable(written)
    Secret(ODD_KEY)
    text = written(ODD_KEY)
    assert REDACTED in redact(text)
    assert not any(part in redact(text) for part in (text.strip("'\""), ODD_KEY[:8]))


@pytest.mark.parametrize(
    "text",
    [
        "connecting to https://me:hunter2hunter2@proxy.example:3128/",
        "https://me:hunter2@hunter2@proxy.example",
        "\\nsk-abcdef1234567890hunter2",
        "%0Ask-abcdef1234567890hunter2",
        "_sk-abcdef1234567890hunter2",
    ],
)
def test_what_looks_like_credentials_is_taken_out_although_nobody_knows_it(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_the_header_of_a_key_makes_the_key_known_and_not_the_word_before_it() -> None:
    Secret("Bearer zz99yy88xx77ww66")
    assert redact("the Bearer said zz99yy88xx77ww66") == f"the Bearer {REDACTED} {REDACTED}"


def test_a_short_key_is_taken_out_where_it_stands_alone_and_ordinary_words_stay_whole() -> None:
    register("cat5")
    assert redact("key cat5, cat55 and concat5") == f"key {REDACTED}, cat55 and concat5"
    register("of")
    assert redact("the end of it") == "the end of it"


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_message_that_repeats_the_key_loses_it_and_stays_json(kind: type) -> None:
    Secret(AZURE_KEY)
    text = json.dumps({"type": "error", "error": {"message": f"key {AZURE_KEY} 🙂 \ud83d"}}, ensure_ascii=False)
    message = text.encode("utf-8", "surrogatepass") if kind is bytes else text
    redacted = redact_message(message)
    assert isinstance(redacted, kind)
    words = redacted.decode("utf-8", "surrogatepass") if isinstance(redacted, bytes) else redacted
    assert words == text.replace(AZURE_KEY, REDACTED)
    assert json.loads(words)["error"]["message"].startswith(f"key {REDACTED}")


def test_a_key_that_is_a_word_of_the_protocol_does_not_break_it() -> None:
    Secret("realtime")
    message = b'{"type":"session.created","session":{"type":"realtime"}}'
    assert redact_message(message) == message


@given(st.text(string.printable, max_size=200), st.text(string.ascii_letters + string.digits + "-_.", min_size=8))
def test_nothing_is_left_of_a_key_in_any_text(text: str, key: str) -> None:
    register(key)
    assert key not in redact(f"{text}{key}{text}")
