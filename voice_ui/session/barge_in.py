"""Speech over a reply: whether it cuts the reply short. Pure: events and the loudness of the microphone go in.

The reply goes on until words are heard, or a voice for `LASTING_MS`. A cough, a slammed door and “mm-hmm” leave it
alone. While this is open, what the server says of the utterance, and of a response to it, is kept back: see `Dialogue`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from voice_ui.protocol import ServerEvent, SessionConfig, server
from voice_ui.session.attention import QUIET_PEAK
from voice_ui.session.backchannels import Said, said_in

LASTING_MS = 700.0
"""A voice that lasts this long wants the turn, whatever it says; coughs and back-channels are shorter."""

BEFORE_MS = 500.0
"""Audio before the server noticed speech that belongs to it: detection, and the way there and back."""

LOUD_SHARE = 0.25
"""Of the loudest chunk: what is quieter (-12 dB) is a pause, or the room."""

QUIET_MS = 1500.0
"""After so much quiet nobody speaks any more, whatever a server that waits for more says."""

REMEMBERED = 20
"""Utterances that were nothing, and responses to them, of which late news is ignored."""


class Verdict(Enum):
    """What speech over a reply was."""

    WORDS = auto()
    """It is answered, and cuts the reply short."""
    NOTHING = auto()
    """It is forgotten."""


class BargeIn:
    """What is said over the replies of one press of Start."""

    def __init__(self) -> None:
        self.items: list[str] = []
        """Ids of the utterances that are not decided; all is decided when there are none."""
        self.responses: set[str] = set()
        """Ids of the responses to them."""
        self.ignored: deque[str] = deque(maxlen=REMEMBERED)
        """Ids of utterances that were nothing, and of responses to them."""
        self.is_quiet = False
        """Whether nobody has spoken for a while."""
        self._texts: dict[str, str] = {}  # what is known of the utterances, by id
        self._has_words = self._lasts = False
        self._chunks: deque[tuple[float, int]] = deque()  # duration and peak
        self._config = SessionConfig()

    @property
    def waits_for_end(self) -> bool:
        """Whether it must wait for the end of the reply in any case."""
        return self._config.barge_in == "never"

    def begin(self, item_id: str, config: SessionConfig) -> None:
        """The server hears speech over a reply."""
        self._config = config
        if item_id not in self.items:  # some servers give all utterances one id
            self.items.append(item_id)
        self._texts[item_id] = ""
        self.is_quiet = self._lasts = False

    def listen(self, duration_ms: float, peak: int) -> None:
        """Take in how loud a chunk of the microphone is; the last ones before `begin` count."""
        self._chunks.append((duration_ms, peak))
        if not self.items:
            while sum(duration for duration, _ in self._chunks) > BEFORE_MS:
                self._chunks.popleft()
            return
        bar = max(QUIET_PEAK, LOUD_SHARE * max(peak for _, peak in self._chunks))
        self._lasts = sum(duration for duration, peak in self._chunks if peak >= bar) >= LASTING_MS
        quiet_ms = 0.0
        for duration, peak in reversed(self._chunks):
            if peak >= bar:
                break
            quiet_ms += duration
        self.is_quiet = quiet_ms >= QUIET_MS
        while len(self._chunks) > 1 and sum(duration for duration, _ in self._chunks) > 2 * QUIET_MS:
            self._chunks.popleft()

    def keeps(self, event: ServerEvent, answered: Sequence[str | None]) -> bool:
        """Whether an event is to be kept back; `answered` are the items that a response of which it tells answers."""
        match event:
            case server.SpeechStopped() | server.Committed():
                return True
            case server.ItemAdded(item) | server.ItemDone(item):
                return item.role == "user"
            case server.TranscriptionDelta(item_id) | server.TranscriptionCompleted(item_id):
                return item_id in self.items
            case server.TranscriptionFailed(item_id):
                return item_id in self.items
        response_id: str = getattr(event, "response_id", "")
        if response_id and any(item_id in self.items for item_id in answered if item_id):
            self.responses.add(response_id)
        return response_id in self.responses

    def begin_anew(self, event: ServerEvent) -> None:
        """Some servers give all utterances, or all responses, one id: what begins is not what was ignored."""
        match event:
            case server.SpeechStarted(item_id=begun) | server.ResponseCreated(response_id=begun):
                if begun in self.ignored:
                    self.ignored.remove(begun)

    def ignores(self, event: ServerEvent) -> bool:
        """Whether an event is about something that was nothing."""
        item = getattr(event, "item", None)
        ids = (getattr(event, "item_id", ""), getattr(event, "response_id", ""), item.id if item else "")
        return any(each in self.ignored for each in ids if each)

    def judge(self, event: ServerEvent | None, *, is_replying: bool) -> dict[str, Verdict]:
        """Take in what the server says; return what is decided of each utterance. None: only time has passed."""
        verdicts: dict[str, Verdict] = {}
        item_id: str = getattr(event, "item_id", "")
        match event:
            case server.TranscriptionDelta(delta=delta) if item_id in self.items:
                self._texts[item_id] += delta
                self._has_words = self._has_words or self._said_in(item_id, is_whole=False) is Said.WORDS
            case server.TranscriptionCompleted(transcript=transcript) if item_id in self.items:
                self._texts[item_id] = transcript
                said = self._said_in(item_id, is_whole=True)
                if said is Said.WORDS or (said is Said.GO_ON and not is_replying):
                    self._has_words = True
                else:
                    verdicts[item_id] = Verdict.NOTHING
            case server.TranscriptionFailed() if item_id in self.items:
                self._has_words = True
            case server.Committed() if self._config.transcription_model is None:
                self._has_words = True
            case server.ResponseDone(response_id, status="cancelled") if response_id not in self.responses:
                self._has_words = True  # the server has cut it short by itself
            case server.ReplyTextDelta() | server.AudioDelta() if event.response_id in self.responses:
                self._has_words = self._has_words or not is_replying  # there is nothing left to cut short
        has_words = self._has_words or (self._lasts and not self.waits_for_end)
        if has_words and not (self.waits_for_end and is_replying):
            verdicts |= {item: Verdict.WORDS for item in self.items if item not in verdicts}
        return verdicts

    def wait_no_longer(self) -> None:
        """No transcript comes: what cannot be judged counts as words."""
        self._has_words = True

    def rename(self, event: ServerEvent) -> None:
        """Some servers name an utterance only when it is committed."""
        if isinstance(event, server.SpeechStopped | server.Committed) and event.item_id and self.items:
            if event.item_id not in self.items:
                before = self.items[-1]
                self.items[-1] = event.item_id
                self._texts[event.item_id] = self._texts.pop(before, "")

    def forget(self, item_id: str) -> None:
        """An utterance was nothing."""
        self.items.remove(item_id)
        self.ignored.append(item_id)
        self._texts.pop(item_id, None)
        if not self.items:
            self.ignored.extend(self.responses)
            self.close()

    def close(self) -> None:
        """All is decided."""
        self.items.clear()
        self.responses.clear()
        self._texts.clear()
        self._chunks.clear()
        self._has_words = self._lasts = self.is_quiet = False

    def _said_in(self, item_id: str, *, is_whole: bool) -> Said:
        config = self._config
        spoken = config.languages or ((config.language,) if config.language else ())
        return said_in(self._texts[item_id], spoken, is_whole=is_whole)
