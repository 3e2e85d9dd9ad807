"""The detector finds where speech begins and ends, in milliseconds of the stream, with OpenAI's meaning of both."""

import random
import struct

import pytest

from tests.clips import clip, cut, real_voice
from voice_ui import audio
from voice_ui.offline.vad import FRAME_MS, SpeechEnd, SpeechStart, VoiceActivity

TWO_TURNS = clip("two_turns.wav") + audio.silence(1500)
SPOKEN_MS = ((900, 2650), (6560, 7650))
"""Where the two questions are, by eye, to 100 ms; a word may end softly."""


def heard(pcm: bytes, vad: VoiceActivity | None = None, chunk_ms: int = 20) -> list[SpeechStart | SpeechEnd]:
    vad = vad or VoiceActivity()
    return [event for chunk in cut(pcm, chunk_ms) for event in vad.process(chunk)]


def test_each_turn_is_found_with_the_padding_before_and_the_silence_after_it() -> None:
    first, first_end, second, second_end = heard(TWO_TURNS)
    for (start_ms, end_ms), started, stopped in zip(SPOKEN_MS, (first, second), (first_end, second_end), strict=True):
        assert isinstance(started, SpeechStart)
        assert isinstance(stopped, SpeechEnd)
        assert started.audio_start_ms + 300 == pytest.approx(start_ms, abs=200)
        assert stopped.audio_end_ms - 500 == pytest.approx(end_ms, abs=200)


def test_somebody_is_heard_within_a_quarter_of_a_second() -> None:
    vad = VoiceActivity()
    assert heard(TWO_TURNS[: len(audio.silence(SPOKEN_MS[0][0] + 350))], vad)


def assert_alike(ours: list[SpeechStart | SpeechEnd], theirs: list[SpeechStart | SpeechEnd]) -> None:
    """The same events, but for two frames: the resampler dithers, and what is near the threshold may fall anywhere."""
    assert [type(event) for event in ours] == [type(event) for event in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert moment(one) == pytest.approx(moment(other), abs=2 * FRAME_MS)


def moment(event: SpeechStart | SpeechEnd) -> int:
    return event.audio_start_ms if isinstance(event, SpeechStart) else event.audio_end_ms


@pytest.mark.parametrize("chunk_ms", [5, 33, 1000, 60_000])
def test_it_does_not_matter_how_the_audio_is_cut(chunk_ms: int) -> None:
    assert_alike(heard(TWO_TURNS, chunk_ms=chunk_ms), heard(TWO_TURNS))


def test_a_longer_silence_ends_the_turn_later_by_just_that() -> None:
    ends = [heard(TWO_TURNS, VoiceActivity(silence_duration_ms=ms))[1] for ms in (300, 1200)]
    assert_alike(ends[1:], [SpeechEnd(moment(ends[0]) + 900)])


def test_the_padding_reaches_neither_before_the_stream_nor_into_the_turn_before() -> None:
    first, first_end, second, _ = heard(TWO_TURNS, VoiceActivity(prefix_padding_ms=5000))
    assert first == SpeechStart(0)
    assert second == SpeechStart(moment(first_end))


def test_silence_noise_and_clicks_are_not_speech() -> None:
    noise = random.Random(1)
    hiss = struct.pack("<48000h", *(noise.randint(-500, 500) for _ in range(48_000)))
    click = struct.pack("<240h", *(noise.randint(-20_000, 20_000) for _ in range(240)))
    assert heard(audio.silence(2000) + hiss + (click + audio.silence(130)) * 10) == []


def test_settings_can_change_in_the_middle_of_a_stream() -> None:
    vad = VoiceActivity()
    usual = heard(TWO_TURNS)
    half = len(TWO_TURNS) // 2
    events = heard(TWO_TURNS[:half], vad)
    vad.silence_duration_ms, vad.prefix_padding_ms = 1000, 100
    events += heard(TWO_TURNS[half:], vad)
    changed = [SpeechStart(moment(usual[2]) + 200), SpeechEnd(moment(usual[3]) + 500)]
    assert_alike(events, usual[:2] + changed)


def test_a_threshold_nobody_reaches_hears_nobody() -> None:
    assert heard(TWO_TURNS, VoiceActivity(threshold=1.0)) == []


def test_after_a_reset_speech_in_progress_begins_anew_and_not_before_it() -> None:
    vad = VoiceActivity()
    middle_ms = 1600
    at = len(audio.silence(middle_ms))
    assert len(heard(TWO_TURNS[:at], vad)) == 1
    vad.reset()
    again, stopped, *_ = heard(TWO_TURNS[at:], vad)
    assert again == SpeechStart(middle_ms)
    assert_alike([stopped], heard(TWO_TURNS)[1:2])


def test_after_a_reset_in_the_silence_the_turn_does_not_end_again() -> None:
    vad = VoiceActivity()
    at = len(audio.silence(SPOKEN_MS[0][1] + 200))
    assert len(heard(TWO_TURNS[:at], vad)) == 1
    vad.reset()
    assert_alike(heard(TWO_TURNS[at:], vad), heard(TWO_TURNS)[2:])


@pytest.mark.parametrize("name", ["lj001_0002.wav", "lj001_0008.wav", "ps_librivox_0880.wav", "ps_librivox_0930.wav"])
def test_a_real_voice_is_one_turn(name: str) -> None:
    pcm = real_voice(name) + audio.silence(500)
    started, stopped = heard(pcm)
    assert isinstance(started, SpeechStart)
    assert started.audio_start_ms <= 300
    assert isinstance(stopped, SpeechEnd)
    assert stopped.audio_end_ms - 500 == pytest.approx(audio.milliseconds(pcm) - 1000, abs=300)
