"""PCM in which every word is a number: a server can say exactly which words reached it, and whether they were whole.

A word is 200 ms of sound in blocks of 10 ms. All samples of a block have one value, which names the word and the
block. That survives chunks that are joined or cut anywhere, and nothing else does: a gap of a single block shows.
"""

from __future__ import annotations

import numpy as np

from voice_ui import audio

WORD_MS = 200
BLOCK_MS = 10
BLOCKS = WORD_MS // BLOCK_MS
BLOCK_SAMPLES = audio.SAMPLE_RATE * BLOCK_MS // 1000
QUIETEST = 4096
"""Of 32768: loud enough to be taken for speech everywhere in the program."""
MOST_WORDS = (32767 - QUIETEST) // BLOCKS


def word(number: int) -> bytes:
    """Return the sound of one word, 0 to `MOST_WORDS` - 1."""
    if not 0 <= number < MOST_WORDS:
        raise ValueError(number)
    values = np.arange(BLOCKS, dtype="<i2") + (QUIETEST + number * BLOCKS)
    return np.repeat(values, BLOCK_SAMPLES).tobytes()


def words(*numbers: int) -> bytes:
    """Return several words, one right after the other."""
    return b"".join(word(number) for number in numbers)


def whole_words(pcm: bytes) -> list[int]:
    """Return the numbers of the words that are whole in this sound, in order."""
    return [number for number, blocks in _pieces(pcm) if blocks == BLOCKS]


def fragments(pcm: bytes) -> list[int]:
    """Return the numbers of the words of which only a part is in this sound."""
    return [number for number, blocks in _pieces(pcm) if blocks != BLOCKS]


def _pieces(pcm: bytes) -> list[tuple[int, int]]:
    """Return each unbroken piece of a word: its number, and how many of its blocks follow one another."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.int32)
    starts = np.flatnonzero(np.diff(samples, prepend=-1))
    lengths = np.diff(starts, append=len(samples))
    pieces: list[tuple[int, int]] = []
    expected = -1
    for start, length in zip(starts, lengths, strict=True):
        value = int(samples[start]) - QUIETEST
        if value < 0:
            expected = -1
            continue
        number, block = divmod(value, BLOCKS)
        complete = length == BLOCK_SAMPLES or (block == 0 and length > BLOCK_SAMPLES)  # begun twice
        if complete and value == expected and block:
            pieces[-1] = (number, pieces[-1][1] + 1)
        else:
            pieces.append((number, 1 if complete else 0))
        expected = value + 1 if complete else -1
    return pieces
