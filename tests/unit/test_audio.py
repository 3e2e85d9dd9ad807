"""PCM goes into base64 and back unharmed, and arrives at 24 kHz whatever it came in."""

import math
import struct

import pytest

from voice_ui import audio


def tone(rate: int, seconds: float, hertz: float = 440) -> bytes:
    count = round(rate * seconds)
    return struct.pack(f"<{count}h", *(round(12_000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(count)))


def test_what_is_encoded_comes_back() -> None:
    pcm = tone(24_000, 0.02)
    assert audio.decode(audio.encode(pcm)) == pcm


@pytest.mark.parametrize("text", ["*", "AAA", "AAAA AAAA", "AA=A", "é", "AAAA"])
def test_what_is_not_whole_samples_in_clean_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        audio.decode(text)


def test_a_chunk_of_20_ms_is_960_bytes() -> None:
    assert len(audio.silence(audio.CHUNK_MS)) == 960
    assert audio.milliseconds(bytes(960)) == 20


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_and_loudness_through_the_resampler(rate: int) -> None:
    resampler = audio.Resampler(rate)
    pcm = tone(rate, 1.0)
    step = round(rate * 0.02) * 2
    out = b"".join(resampler.process(pcm[at : at + step]) for at in range(0, len(pcm), step))
    out += resampler.process(b"", last=True)
    samples = struct.unpack(f"<{len(out) // 2}h", out)
    assert abs(len(samples) - 24_000) <= 2
    middle = samples[2_400:-2_400]
    crossings = sum(a < 0 <= b for a, b in zip(middle, middle[1:], strict=False))
    assert crossings == pytest.approx(440 * len(middle) / 24_000, abs=2)
    assert max(middle) == pytest.approx(12_000, rel=0.02)
