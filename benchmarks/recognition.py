"""How well and how fast speech is understood without a server: `python -m benchmarks.recognition [CLIPS]`.

`CLIPS` is a folder of recordings, each `NAME.wav` with its words in `NAME.txt`, or in a table in its README.md
(`| NAME.wav | … | words | …`). Utterances are synthesised by flite, where that program is installed, and hibari-tts.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks import noises, talkers
from voice_ui.offline.recognizer import transcriber
from voice_ui.offline.recognizer.sphinx import PocketSphinx
from voice_ui.offline.replies.words import normalised

SENTENCES = (
    "Please set a timer for ten minutes.",
    "What is the capital of Australia?",
    "How many kilometers are in twenty miles?",
    "Tell me a long story about the sea.",
    "What day is it tomorrow?",
    "Could you repeat that a little slower?",
    "The quick brown fox jumps over the lazy dog.",
    "I would like to book a table for two on Friday evening.",
    "What is one hundred and twenty divided by four?",
    "Turn off the lights in the kitchen.",
    "How do you spell lighthouse?",
    "Where did I leave my keys this morning?",
    "Play some quiet music and wake me at seven.",
    "The train to the airport leaves from platform nine.",
    "Can you explain how a rainbow is made?",
    "My daughter starts school after the summer.",
    "What time does the museum open on Sundays?",
    "Write a short letter to my landlord about the heating.",
    "It rained all night and the river is very high.",
    "Thank you, that was very helpful.",
)
VOICES = ("slt", "rms", "hibari", "awb")

NOISES_OF_A_KIND = 20

PARTS = ("words", "noises", "time")


@dataclass(frozen=True)
class Clip:
    """A recording and its words."""

    pcm: NDArray[np.int16]
    """At 24 kHz, with some quiet around it."""
    words: str


def real_clips(folder: Path) -> list[Clip]:
    """Return the recordings in a folder whose words are known."""
    readme = folder / "README.md"
    table = readme.read_text("utf-8") if readme.exists() else ""
    found = []
    for path in sorted(folder.glob("*.wav")):
        beside, row = path.with_suffix(".txt"), re.search(rf"\| `{path.name}` \| [^|]*\| ([^|]*) \|", table)
        if words := beside.read_text("utf-8") if beside.exists() else row and row[1]:
            found.append(Clip(_padded(*read(path)), words))
    return found


def synthesised() -> list[Clip]:
    """Return the sentences in turn by each voice there is."""
    speaking: Any = None
    voices = [voice for voice in VOICES if voice == "hibari" or shutil.which("flite")]
    found = []
    for number, sentence in enumerate(SENTENCES):
        voice = voices[number % len(voices)]
        if voice == "hibari":
            from hibari import Hibari

            speaking = speaking or Hibari()
            found.append(Clip(_padded((speaking(sentence, seed=1) * 32_767).astype(np.int16), 24_000), sentence))
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "said.wav")
                subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", path], check=True)
                found.append(Clip(_padded(*read(path)), sentence))
    return found


def noisy(clip: Clip, decibels: float | None) -> Clip:
    """Return a clip in a room whose noise is this much quieter than the voice."""
    if decibels is None:
        return clip
    voice = clip.pcm.astype(float)
    noise = noises.pink(np.random.default_rng(7), len(voice))
    loudness = np.sqrt(np.mean(voice[np.abs(voice) > 100] ** 2))
    noise *= loudness / np.sqrt(np.mean(noise**2)) / 10 ** (decibels / 20)
    return Clip(np.clip(voice + noise, -32_768, 32_767).astype(np.int16), clip.words)


def wrong_words(said: str, heard: str) -> tuple[int, int]:
    """Return how many words were inserted, left out or replaced, and how many were said."""
    wanted, got = _words(said), _words(heard)
    row = list(range(len(got) + 1))
    for position, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], position
        for column, other in enumerate(got, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1], len(wanted)


def words_table(clips: dict[str, list[Clip]], recognisers: dict[str, Callable[[bytes], str]]) -> str:
    """Return the share of wrong words by recording and recogniser."""
    lines = ["| recordings | noise | " + " | ".join(recognisers) + " |", "|---|---|" + "---|" * len(recognisers)]
    for name, group in clips.items():
        for decibels in (None, 20.0, 10.0):
            heard = [noisy(clip, decibels) for clip in group]
            shares = [_share(transcribe, heard) for transcribe in recognisers.values()]
            level = "none" if decibels is None else f"{decibels:.0f} dB"
            lines.append(f"| {name} | {level} | " + " | ".join(f"{share:.1%} wrong" for share in shares) + " |")
    return "\n".join(lines)


def noises_table(recognisers: dict[str, Callable[[bytes], str]]) -> str:
    """Return how many noises were taken for words."""
    lines = ["| noise | " + " | ".join(recognisers) + " |", "|---|" + "---|" * len(recognisers)]
    for kinds, title in ((noises.KNOWN, ""), (noises.UNSEEN, " (not seen before)")):
        for kind in kinds:
            random = np.random.default_rng(20261126)
            sounds = [at_24k(noises.recorded(random, kind), noises.RATE) for _ in range(NOISES_OF_A_KIND)]
            heard = [[transcribe(sound.tobytes()) for sound in sounds] for transcribe in recognisers.values()]
            cells = [f"{sum(map(bool, texts))} of {NOISES_OF_A_KIND} {_common(texts)}" for texts in heard]
            lines.append(f"| {kind.__name__}{title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _common(texts: Iterable[str]) -> str:
    counted = Counter(text for text in texts if text)
    return ", ".join(f"“{text[:30]}”" for text, _ in counted.most_common(2))


def _share(transcribe: Callable[[bytes], str], clips: list[Clip]) -> float:
    counts = [wrong_words(clip.words, transcribe(clip.pcm.tobytes())) for clip in clips]
    return sum(wrong for wrong, _ in counts) / sum(said for _, said in counts)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", normalised(text))


def read(path: Path) -> tuple[NDArray[np.int16], int]:
    """Return the samples of a WAV and their rate."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())[:, 0]
        return samples, file.getframerate()


def at_24k(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Return samples at the wire's rate."""
    resampled: NDArray[np.int16] = samples if rate == 24_000 else soxr.resample(samples, rate, 24_000)
    return resampled


def _padded(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    return np.concatenate([np.zeros(7200, np.int16), at_24k(samples, rate), np.zeros(12_000, np.int16)])


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition", description=__doc__)
    parser.add_argument("clips", nargs="?", type=Path, help="a folder of recordings with their words")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="default: all of them")
    parser.add_argument("--alone", action="store_true", help="without PocketSphinx, which takes minutes")
    options = parser.parse_args()
    recognisers: dict[str, Callable[[bytes], str]] = {}
    if not options.alone:
        recognisers["PocketSphinx (before)"] = PocketSphinx(24_000).transcribe
    handler = transcriber.load()
    recognisers[handler.name] = lambda pcm: handler.handle(pcm, lambda: False).decode()
    if "words" in options.parts:
        clips = {"synthesised": synthesised()}
        if options.clips and (real := real_clips(options.clips)):
            clips = {f"{len(real)} real voices": real, **clips}
        _print(f"## Words\n\n{words_table(clips, recognisers)}\n")
    if "noises" in options.parts:
        _print(f"## Noises\n\n{noises_table(recognisers)}\n")
    if "time" in options.parts:
        _print(f"## Time\n\n{asyncio.run(talkers.table())}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
