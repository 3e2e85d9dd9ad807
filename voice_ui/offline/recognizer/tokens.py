"""The words that Moonshine's tokens stand for: the model's `tokenizer.bin`. Pure.

Per token: the length of its text in bytes, then the text in UTF-8. A length below 128 is one byte, a longer one is two:
the remainder modulo 128 with the high bit set, then the quotient. A length of 0 is a token without a text.
"""

from __future__ import annotations

START, END = 1, 2
"""`<s>` begins every text, `</s>` ends it."""

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}".encode()


def read(data: bytes) -> list[bytes]:
    """Return the text of each token."""
    texts: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length += 128 * (data[at] - 1)
            at += 1
        texts.append(data[at : at + length])
        at += length
    return texts


def decode(ids: list[int], texts: list[bytes]) -> str:
    """Return the text of these tokens; special tokens have none."""
    parts = [texts[number] for number in ids if not _is_special(texts[number])]
    return b"".join(parts).replace(_SPACE, b" ").decode("utf-8", "ignore").strip()


def _is_special(text: bytes) -> bool:
    return text.startswith(b"<") and text.endswith(b">") and len(text) > 2
