"""Words out of speech, in a worker process. English only.

`recognizer` has the queue, `utterance` what is transcribed when, `transcriber` what runs in the process: `moonshine`,
or `sphinx` where that has no wheel. `invented` keeps out words that nobody said.
"""

from voice_ui.offline.parts import RecognizerUnavailable
from voice_ui.offline.recognizer.recognizer import Recognizer
from voice_ui.offline.recognizer.utterance import Utterance

__all__ = ["Recognizer", "RecognizerUnavailable", "Utterance"]
