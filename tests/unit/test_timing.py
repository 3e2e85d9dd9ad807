"""The time of a turn is what a person with a stop watch would say."""

import pytest

from voice_ui.session.timing import Stage, Timing, TurnTimer, percentile, shares


def test_first_text_is_counted_from_the_end_of_speech() -> None:
    timer = TurnTimer()
    assert timer.first_text_ms is None
    timer.mark(Stage.SPEECH_END, 10.0)
    timer.mark(Stage.FIRST_TEXT, 10.75)
    assert timer.mark(Stage.FIRST_TEXT, 11.0) is False
    assert timer.first_text_ms == 750


def test_a_preamble_is_not_the_answer() -> None:
    timing = Timing()
    timing.end_turn(10.0, 10.5)
    assert timing.take_text(11.0, is_answer=False) is True
    assert timing.take_text(11.1, is_answer=False) is False
    assert timing.take_text(12.0, is_answer=True) is True
    assert timing.take_text(12.1, is_answer=True) is False
    assert (timing.timer.first_text_ms, timing.timer.first_answer_ms) == (1000, 2000)


def test_speech_never_ends_after_it_is_taken_for_ended() -> None:
    timing = Timing()
    timing.end_turn(15.0, 10.0)
    timing.take_text(10.5, is_answer=True)
    assert timing.timer.first_text_ms == 500


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(values, share) for share in (0, 0.5, 0.95, 1)] == [1, 3, 5, 5]
    with pytest.raises(ValueError):
        percentile([], 0.5)


def timer_of(**moments: float) -> TurnTimer:
    return TurnTimer({Stage(name): moment for name, moment in moments.items()})


def test_the_time_of_a_turn_is_split_and_nothing_is_counted_twice() -> None:
    timer = timer_of(speech_end=10.0, speech_stopped=10.5, response_created=10.51, first_text=10.75)
    split = shares(timer, round_trip_ms=80, on_screen_ms=780)
    assert split is not None
    assert (round(split.detection), round(split.model), round(split.network)) == (500, 170, 80)
    assert split.ours == pytest.approx(30)
    assert split.total == pytest.approx(780)


def test_what_was_not_measured_is_not_made_up() -> None:
    assert shares(timer_of(speech_end=10.0, first_text=10.7), 10.0) is None
    unmeasured = shares(timer_of(speech_end=10.0, speech_stopped=10.5, first_text=10.7), None)
    assert unmeasured is not None and unmeasured.ours is None and unmeasured.network == 0
    assert unmeasured.total == pytest.approx(700)


def test_a_round_trip_longer_than_the_reply_took_is_cut_to_it() -> None:
    split = shares(timer_of(speech_end=10.0, speech_stopped=10.5, first_text=10.51), round_trip_ms=300)
    assert split is not None and split.model == 0 and split.network == pytest.approx(10)


def test_a_reply_that_the_speech_cut_short_does_not_end_the_one_that_answers_it() -> None:
    timing = Timing()
    timing.end_turn(10.0, 10.5)
    timing.finish(10.6)  # what was cut short
    timing.begin_response(10.7)
    timing.take_text(10.9, is_answer=True)
    assert timing.finish(12.0).endswith("response_done 2000 ms")
