"""The stretch that tells how a voice sounds is found where the voice is, not where the utterance begins."""

import random
import struct

import pytest

from tests.clips import clip, cut
from voice_ui import audio
from voice_ui.offline.recognizer.onset import ENOUGH, PATIENCE, Onset

SPEECH = clip("question.wav")[len(audio.silence(1000)) : -len(audio.silence(2000))]


def hiss(seconds: float, peak: int = 30) -> bytes:
    noise = random.Random(1)
    count = round(seconds * audio.SAMPLE_RATE)
    return struct.pack(f"<{count}h", *(noise.randint(-peak, peak) for _ in range(count)))


def onset(pcm: bytes, chunk_ms: int = 20) -> Onset:
    following = Onset()
    for chunk in cut(pcm, chunk_ms):
        following.process(chunk)
    return following


@pytest.mark.parametrize("wait_s", [0.3, 2, 10])
@pytest.mark.parametrize("before", [hiss, lambda seconds: audio.silence(1000 * seconds)])
def test_the_stretch_begins_just_before_the_first_word(wait_s: float, before) -> None:
    quiet = before(wait_s)
    found = onset(quiet + SPEECH)
    assert found.found
    assert len(quiet) - len(audio.silence(300)) <= found.stretch.start <= len(quiet)
    assert found.stretch.stop - found.stretch.start == ENOUGH


def test_it_does_not_matter_how_the_audio_is_cut() -> None:
    pcm = hiss(1) + SPEECH
    assert {(onset(pcm, ms).stretch.start, onset(pcm, ms).start) for ms in (1, 7, 20, 5000)} == {
        (onset(pcm).stretch.start, onset(pcm).start)
    }


def test_a_second_before_the_first_word_is_still_listened_to() -> None:
    assert onset(hiss(0.5) + SPEECH).start == 0
    assert len(audio.silence(3900)) <= onset(hiss(5) + SPEECH).start <= len(audio.silence(4200))


def test_a_single_word_need_not_wait_for_more() -> None:
    word = SPEECH[: len(audio.silence(500))]
    assert not onset(hiss(0.3) + word).found
    assert onset(hiss(0.3) + word + hiss(0.4)).found


def test_where_nothing_stands_out_it_does_not_wait_for_ever() -> None:
    assert not onset(hiss(5, 3000)).found
    assert onset(hiss(PATIENCE / 48_000 + 1, 3000)).found
