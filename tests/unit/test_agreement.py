"""Words that two transcripts in a row agree on are shown, once, and never taken back."""

from voice_ui.offline.recognizer.agreement import Agreement


def shown(*transcripts: str) -> list[str]:
    agreement = Agreement()
    return [agreement.process(transcript) for transcript in transcripts]


def test_a_word_is_shown_when_a_second_run_has_it_too() -> None:
    assert shown("What", "What is", "What is", "What is seven") == ["", "What", " is", ""]


def test_the_last_run_decides_how_a_word_is_written() -> None:
    assert shown("what's.", "What's the") == ["", "What's"]


def test_punctuation_comes_with_the_next_word() -> None:
    assert shown("Well.", "Well, ask.", "Well, ask what.") == ["", "Well", ", ask"]


def test_what_was_shown_stays_when_the_model_changes_its_mind() -> None:
    agreement = Agreement()
    for transcript in ("I scream", "I scream", "Ice cream is", "Ice cream is"):
        agreement.process(transcript)
    assert agreement.text == "I scream is"


def test_what_is_left_at_the_end_is_appended_only_if_it_fits() -> None:
    agreement = Agreement()
    agreement.process("What is")
    agreement.process("What is")
    assert agreement.finish("What is seven?") == " seven?"
    assert agreement.finish("What are") == ""
