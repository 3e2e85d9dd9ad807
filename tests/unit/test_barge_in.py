"""What counts as words over a reply; the rest is tested over a socket in tests/protocol/test_barge_in.py."""

from __future__ import annotations

import pytest

from voice_ui.protocol import SessionConfig, server
from voice_ui.session.backchannels import LANGUAGES, Said, said_in
from voice_ui.session.barge_in import BargeIn, Verdict

NOTHING, GO_ON, WORDS, UNKNOWN = Said.NOTHING, Said.GO_ON, Said.WORDS, Said.UNKNOWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", NOTHING), (" … ", NOTHING), ("[BLANK_AUDIO]", NOTHING), ("(coughs)", NOTHING), ("*sighs*", NOTHING),
        ("♪ ♪", NOTHING), ("Mm-hmm.", NOTHING), ("Uh huh", NOTHING), ("Hmm…", NOTHING),
        ("Okay.", GO_ON), ("Right!", GO_ON), ("yeah", GO_ON), ("Genau.", GO_ON), ("d’accord", GO_ON), ("好的。", GO_ON),
        ("Stop", WORDS), ("No.", WORDS), ("Okay, stop", WORDS), ("Right there", WORDS), ("(coughs) Wait", WORDS),
        ("Nein", WORDS), ("7", WORDS), ("停", WORDS),
    ],
)  # fmt: skip
def test_a_whole_transcript_is_nothing_a_back_channel_or_words(text: str, said: Said) -> None:
    assert said_in(text, is_whole=True) is said


@pytest.mark.parametrize(
    ("text", "said"),
    [("", UNKNOWN), ("O", UNKNOWN), ("Okay", UNKNOWN), ("[cou", UNKNOWN), ("Okay, s", WORDS), ("Sto", WORDS)],
)
def test_what_may_still_become_a_back_channel_waits(text: str, said: Said) -> None:
    assert said_in(text, is_whole=False) is said


def test_where_the_language_is_known_only_its_back_channels_count() -> None:
    assert said_in("Genau", ["en"], is_whole=True) is WORDS
    assert said_in("Genau", ["en", "de-AT"], is_whole=True) is GO_ON
    assert said_in("Okay", ["xx"], is_whole=True) is GO_ON, "in languages without a list, too"


@pytest.mark.parametrize("stop", ["stop", "wait", "no", "nein", "halt", "arrête", "para", "basta", "нет", "стоп", "不"])
def test_no_list_holds_a_word_that_means_stop(stop: str) -> None:
    assert [code for code in LANGUAGES if said_in(stop, [code], is_whole=True) is not WORDS] == []


def opened(barge_in: str = "words") -> BargeIn:
    judge = BargeIn()
    judge.begin("u1", SessionConfig(barge_in=barge_in))
    return judge


def listen(judge: BargeIn, *parts: tuple[float, int]) -> None:
    """Let it hear so many milliseconds of so loud a sound, one part after the other."""
    for duration_ms, peak in parts:
        for _ in range(int(duration_ms // 20)):
            judge.listen(20.0, peak)


@pytest.mark.parametrize(
    ("parts", "lasts"),
    [
        ([(680, 9000)], False),
        ([(720, 9000)], True),
        ([(400, 9000), (500, 500)], False),
        ([(200, 9000), (300, 1000), (200, 9000), (300, 1000), (200, 9000)], False),
        ([(2000, 500)], False),
    ],
    ids=["a short sound", "a long one", "a cough", "a fit of coughing", "a quiet room"],
)
def test_a_voice_wants_the_turn_when_it_has_lasted(parts: list[tuple[float, int]], lasts: bool) -> None:
    judge = opened()
    listen(judge, *parts)
    assert (judge.judge(None, is_replying=True) == {"u1": Verdict.WORDS}) is lasts


def test_what_was_heard_before_the_server_noticed_counts_half_a_second_back() -> None:
    judge = BargeIn()
    listen(judge, (5000, 9000))
    judge.begin("u1", SessionConfig())
    listen(judge, (180, 9000))
    assert judge.judge(None, is_replying=True) == {}
    listen(judge, (40, 9000))
    assert judge.judge(None, is_replying=True) == {"u1": Verdict.WORDS}


def test_nobody_speaks_any_more_after_a_while_of_quiet() -> None:
    judge = opened()
    listen(judge, (300, 9000), (1400, 300))
    assert not judge.is_quiet
    listen(judge, (200, 300))
    assert judge.is_quiet


def test_of_two_utterances_each_is_decided_for_itself() -> None:
    judge = opened()
    judge.begin("u2", SessionConfig())
    cough = server.TranscriptionCompleted("u1", "")
    assert judge.judge(cough, is_replying=True) == {"u1": Verdict.NOTHING}
    judge.forget("u1")
    assert judge.items and judge.ignores(cough)
    word = server.TranscriptionDelta("u2", "Stop")
    assert judge.judge(word, is_replying=True) == {"u2": Verdict.WORDS}


def test_never_waits_for_the_end_of_the_reply() -> None:
    judge = opened("never")
    assert judge.judge(server.TranscriptionCompleted("u1", "And then?"), is_replying=True) == {}
    assert judge.judge(None, is_replying=False) == {"u1": Verdict.WORDS}
