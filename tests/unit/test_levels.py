"""Where a speaker pauses is found by how loud it is."""

import random
import struct

import pytest

from tests.clips import clip, cut
from voice_ui import audio
from voice_ui.offline.recognizer.levels import BLOCK, Levels

QUESTION = clip("question.wav")[len(audio.silence(700)) : -len(audio.silence(2400))]


def hiss(duration_ms: int, peak: int) -> bytes:
    noise = random.Random(1)
    count = len(audio.silence(duration_ms)) // 2
    return struct.pack(f"<{count}h", *(noise.randint(-peak, peak) for _ in range(count)))


@pytest.mark.parametrize("peak", [0, 100, 800])
@pytest.mark.parametrize("chunk_ms", [7, 20, 5000])
def test_quiet_begins_where_the_speaker_stops(peak: int, chunk_ms: int) -> None:
    levels = Levels()
    for chunk in cut(QUESTION + hiss(600, peak), chunk_ms):
        levels.process(chunk)
    assert 560 <= levels.quiet_ms <= 900
    levels.process(QUESTION)
    assert levels.quiet_ms < 300


def test_where_nothing_is_louder_there_is_no_pause() -> None:
    levels = Levels()
    levels.process(hiss(2000, 3000))
    assert levels.quiet_ms == 0


def test_the_quietest_place_is_found() -> None:
    levels = Levels()
    levels.process(hiss(1000, 3000) + hiss(20, 300) + hiss(1000, 3000))
    assert levels.quietest(0, levels.end) == 50 * BLOCK
