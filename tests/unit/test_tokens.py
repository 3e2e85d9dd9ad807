"""Moonshine's tokens become text."""

import pytest

from voice_ui.offline.recognizer import tokens
from voice_ui.offline.recognizer.moonshine import folder


def test_a_length_takes_one_byte_or_two() -> None:
    long = b"x" * 300
    data = b"\x03<s>\x00" + b"\x02hi" + bytes([300 % 128 + 128, 300 // 128]) + long
    assert tokens.read(data) == [b"<s>", b"", b"hi", long]


def test_spaces_bytes_and_special_tokens() -> None:
    texts = [b"<unk>", b"<s>", b"</s>", "▁What".encode(), b"'s", b"\xc3", b"\xa9", b"<<ST_1>>", "▁<".encode()]
    assert tokens.decode([1, 3, 4, 5, 6, 8, 7, 2], texts) == "What'sé <"
    assert tokens.decode([3, 5], texts) == "What"  # half a character, where the text was cut off


def test_the_model_has_the_tokens_we_take_for_its_start_and_end() -> None:
    if (place := folder()) is None:
        pytest.skip("no wheel of moonshine-voice here")
    texts = tokens.read((place / "tokenizer.bin").read_bytes())
    assert len(texts) == 32_768
    assert (texts[tokens.START], texts[tokens.END]) == (b"<s>", b"</s>")
