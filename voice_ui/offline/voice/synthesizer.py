"""What a voice's worker process does: a sentence in, PCM at 24 kHz out.

hibari-tts 0.2.1 (its source was read) opens no socket with the voice it contains; other voices it would download.
"""

from __future__ import annotations

import json

from voice_ui import audio
from voice_ui.offline.worker.handler import Handler, Stop, Unavailable

VOICE = "heart"
"""The one in the wheel."""

SLOWEST, FASTEST = 0.5, 2.0
"""What the model was made for; the protocol allows 0.25 to 1.5."""


def load() -> Handler:
    """Return a handler that answers {"text": …, "speed": …} with PCM; raises ImportError, Unavailable."""
    import numpy as np
    from hibari import SAMPLE_RATE, Hibari
    from hibari.voices import voice_path

    if SAMPLE_RATE != audio.SAMPLE_RATE:
        raise Unavailable(f"hibari-tts speaks at {SAMPLE_RATE} Hz instead of {audio.SAMPLE_RATE}")
    model = Hibari(model=voice_path(VOICE, download_missing=False))
    model("Ready.")  # loads the dictionaries

    def handle(request: bytes, stop: Stop) -> bytes:
        wanted = json.loads(request)
        speed = min(max(float(wanted["speed"]), SLOWEST), FASTEST)
        samples = model(wanted["text"], speed=speed)
        pcm: bytes = (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
        return pcm

    return Handler("hibari", handle)
