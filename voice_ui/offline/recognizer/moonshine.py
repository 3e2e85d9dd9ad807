"""Moonshine tiny-en: a network of 27 million parameters that writes English speech down.

The weights lie in the wheel `moonshine-voice`; only its files are used, by onnxruntime: the package's own library takes
four times the processor time. Shape and order of the inputs: transformers, models/moonshine/modeling_moonshine.py.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voice_ui.offline.recognizer import tokens
from voice_ui.offline.recognizer.invented import repeats
from voice_ui.offline.worker.handler import Aborted, Stop, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 16_000
"""Hertz of the samples the model takes."""

LEAST_SAMPLES = RATE // 2
"""Anything shorter is filled up with silence: on a few milliseconds the encoder has nothing to work with."""

TOKENS_PER_SECOND, TOKENS_MORE = 6.5, 3
"""Nobody speaks faster: what goes on beyond this is invented (measured)."""

_HEADS, _HEAD_SIZE = 8, 36


@dataclass(frozen=True)
class Hypothesis:
    """What the model wrote."""

    text: str
    confidence: float
    """The mean natural logarithm of the probability of its tokens, 0 at best."""


def folder() -> Path | None:
    """Return where the weights are, None if the package is not installed. The package is not imported."""
    spec = importlib.util.find_spec("moonshine_voice")
    for place in (spec and spec.submodule_search_locations) or ():
        if (path := Path(place, "assets", "tiny-en")).is_dir():
            return path
    return None


class Moonshine:
    """The model; raises ImportError without onnxruntime, Unavailable without the weights."""

    def __init__(self) -> None:
        if (path := folder()) is None:
            raise Unavailable("the package moonshine-voice is not installed")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._texts = tokens.read((path / "tokenizer.bin").read_bytes())
        self._encoder = onnxruntime.InferenceSession(str(path / "encoder_model.ort"), options)
        self._decoder = onnxruntime.InferenceSession(str(path / "decoder_model_merged.ort"), options)
        self._past = [each.name for each in self._decoder.get_inputs() if each.name.startswith("past_key_values")]
        # The keys and values of the encoder do not change after the first step: not asking for them halves the time.
        self._past_words = [name for name in self._past if ".decoder." in name]

    def transcribe(self, samples: Samples, stop: Stop = lambda: False) -> Hypothesis:
        """Return what is said in samples from -1 to 1; raises Aborted."""
        import numpy as np

        if len(samples) < LEAST_SAMPLES:
            samples = np.pad(samples, (0, LEAST_SAMPLES - len(samples)))
        mask = np.ones((1, len(samples)), np.int64)
        (heard,) = self._encoder.run(None, {"input_values": samples[None], "attention_mask": mask})
        nothing = np.zeros((1, _HEADS, 0, _HEAD_SIZE), np.float32)
        inputs: dict[str, Any] = {"encoder_attention_mask": mask, "encoder_hidden_states": heard}
        inputs |= dict.fromkeys(self._past, nothing)
        logits = self._step(inputs, tokens.START, self._past)
        ids: list[int] = []
        confidence = 0.0
        most = int(TOKENS_PER_SECOND * len(samples) / RATE) + TOKENS_MORE
        while True:
            best = int(logits.argmax())
            confidence -= float(np.log(np.exp(logits - logits[best]).sum()))
            if best == tokens.END or len(ids) == most:
                break
            ids.append(best)
            if length := repeats(ids):
                del ids[len(ids) - length :]
                break
            if stop():
                raise Aborted
            logits = self._step(inputs, best, self._past_words)
        return Hypothesis(tokens.decode(ids, self._texts), confidence / (len(ids) + 1))

    def _step(self, inputs: dict[str, Any], token: int, changed: list[str]) -> NDArray[np.float32]:
        """Read one more token and return the logits of the next; `changed` are the inputs to keep for it."""
        import numpy as np

        inputs["input_ids"] = np.array([[token]], np.int64)
        inputs["use_cache_branch"] = np.array([token != tokens.START])
        wanted = ["logits", *(name.replace("past_key_values", "present") for name in changed)]
        logits, *present = self._decoder.run(wanted, inputs)
        inputs.update(zip(changed, present, strict=True))
        last: NDArray[np.float32] = logits[0, -1]
        return last
