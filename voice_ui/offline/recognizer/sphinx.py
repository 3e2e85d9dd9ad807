"""PocketSphinx, where there is no wheel of onnxruntime: one word in five is wrong, but it runs in more places."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketsphinx import Decoder

UNSAID = ("fuck", "shit", "cunt", "bitch", "nigger", "faggot", "whore", "slut", "asshole", "motherf", "cocksuck")
"""Words that begin like this are not in the dictionary: nobody likes to read what they never said."""

BOUNDS = {"maxhmmpf": 5000, "maxwpf": 20}
"""How much is followed at a time: noise takes a quarter less time, and no more words are wrong (measured)."""


class PocketSphinx:
    """Its own English model, one utterance at a time; raises ImportError without the package."""

    def __init__(self, rate: int) -> None:
        from pocketsphinx import Decoder, get_model_path

        with tempfile.TemporaryDirectory() as folder:
            dictionary = Path(folder, "english.dict")
            lines = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8").splitlines(keepends=True)
            dictionary.write_text("".join(line for line in lines if not line.startswith(UNSAID)), "utf-8")
            self._decoder: Decoder = Decoder(dict=str(dictionary), samprate=rate, loglevel="FATAL", **BOUNDS)

    def transcribe(self, pcm: bytes) -> str:
        """Return the words in PCM of the rate it was made for."""
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""
