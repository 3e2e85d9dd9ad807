"""The practice server answers what it can, reads back the rest, and never passes itself off as a model."""

from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from voice_ui.offline import replies

NOW = datetime(2026, 11, 23, 15, 7)


def reply(heard: str, *earlier: str) -> str:
    return replies.reply(heard, earlier=earlier, now=NOW)


@pytest.mark.parametrize(
    ("asked", "answered"),
    {
        "what is seven plus five": "7 plus 5 is 12.",
        "what is seven and plus the five": "7 plus 5 is 12.",
        "What is 12 * 7?": "12 times 7 is 84.",
        "12x7": "12 times 7 is 84.",
        "what is one hundred minus thirty": "100 minus 30 is 70.",
        "what is one hundred and twenty divided by four": "120 divided by 4 is 30.",
        "what is two thousand three hundred plus five hundred": "2,300 plus 500 is 2,800.",
        "1,000 + 2,500": "1,000 plus 2,500 is 3,500.",
        "what is twenty-five minus thirty": "25 minus 30 is -5.",
        "what is minus five plus three": "Minus 5 plus 3 is -2.",
        "what is two plus three times four": "2 plus 3 times 4 is 14.",
        "how much is three point five times two": "3.5 times 2 is 7.",
        "divide one thousand by three": "1,000 divided by 3 is about 333.333.",
        "subtract three from ten": "10 minus 3 is 7.",
        "what is half of seven": "7 divided by 2 is 3.5.",
        "what is ten percent of fifty": "10 percent of 50 is 5.",
        "what is 3/4?": "3 divided by 4 is 0.75.",
        "what is five divided by zero": "Nothing can be divided by zero.",
        "two plus two please": "2 plus 2 is 4.",
        "What's the square root of two?": "The square root of 2 is about 1.414.",
        "what is the square root of 2.25": "The square root of 2.25 is 1.5.",
        "What is 7% of 33.3?": "7 percent of 33.3 is 2.331.",
    }.items(),
)
def test_it_does_sums(asked: str, answered: str) -> None:
    assert reply(asked) == answered


@pytest.mark.parametrize(
    ("heard", "answered"),
    {
        "what is four times for": "4 times 4 is 16.",
        "one is two plus to": "2 plus 2 is 4.",
        "what is too plus two": "2 plus 2 is 4.",
        "what is six times a day": "6 times 8 is 48.",
        "how much is three times mine": "3 times 9 is 27.",
        "one time is it": "It is 3:07 PM.",
        "what is the day to day": "Today is Monday, November 23, 2026.",
    }.items(),
)
def test_it_forgives_what_the_recogniser_typically_mishears(heard: str, answered: str) -> None:
    assert reply(heard) == answered


@pytest.mark.parametrize(
    "text",
    ["call me on 555-1234", "open 24/7", "meet at 10:30", "i went there three times for fun", "over two weeks"],
)
def test_not_every_number_is_a_sum(text: str) -> None:
    assert text in reply(text)


@pytest.mark.parametrize("asked", ["What time is it?", "please tell me what time it is", "tell me the time please"])
def test_it_knows_the_time(asked: str) -> None:
    assert reply(asked) == "It is 3:07 PM."


@pytest.mark.parametrize(
    ("asked", "answered"),
    {
        "what is the date": "Today is Monday, November 23, 2026.",
        "what day is it today": "Today is Monday, November 23, 2026.",
        "what day is tomorrow": "Tomorrow is Tuesday, November 24, 2026.",
        "what was the date yesterday": "Yesterday was Sunday, November 22, 2026.",
    }.items(),
)
def test_it_knows_the_date(asked: str, answered: str) -> None:
    assert reply(asked) == answered


@pytest.mark.parametrize(
    ("asked", "answered"),
    {
        "How many kilometers are in 10 miles?": "10 miles is about 16.09 kilometers.",
        "Convert ten miles to kilometres.": "10 miles is about 16.09 kilometers.",
        "What is 5 feet in meters?": "5 feet is about 1.52 meters.",
        "How many inches are there in a foot?": "1 foot is 12 inches.",
        "What's 70 degrees Fahrenheit in Celsius?": "70 degrees Fahrenheit is about 21.11 degrees Celsius.",
        "Convert -40 celsius to fahrenheit": "-40 degrees Celsius is -40 degrees Fahrenheit.",
        "How many seconds are in two hours?": "2 hours is 7,200 seconds.",
        "How many grams is half a pound?": "0.5 pounds is about 226.8 grams.",
        "What is 3 miles in pounds?": "3 miles cannot be converted to pounds.",
        "How tall is 5 feet 10 in centimeters?": "70 inches is 177.8 centimeters.",
        "How many days are in a year?": "1 year is 365 days.",
        "how many pounds are in a kilo": "1 kilogram is about 2.2 pounds.",
    }.items(),
)
def test_it_converts_units(asked: str, answered: str) -> None:
    assert reply(asked) == answered


@pytest.mark.parametrize(
    ("asked", "answered"),
    {
        "What month is it?": "It is November 2026.",
        "What year is it?": "It is 2026.",
        "When is Christmas?": "Christmas is on Friday, December 25, 2026.",
        "What was yesterday's date?": "Yesterday was Sunday, November 22, 2026.",
        "Cancel the timer.": "All timers are canceled.",
        "Do you speak German?": "I understand and speak English only.",
        "Which week is it?": "It is week 48 of 2026.",
        "How many days until Christmas?": "There are 32 days until Christmas.",
        "What's the day after tomorrow?": "The day after tomorrow is Wednesday, November 25, 2026.",
        "How late is it?": "It is 3:07 PM.",
        "What's 123 minus 17?": "123 minus 17 is 106.",
        "Spell lighthouse.": "Lighthouse is spelled L, I, G, H, T, H, O, U, S, E.",
        "How do I spell it?": "Tell me the word, for example: “spell lighthouse”.",
        "Count from five to eight": "5, 6, 7, 8.",
        "Count down from 3": "3, 2, 1.",
        "Countdown from three.": "3, 2, 1.",
        "What's twenty per cent of fifty?": "20 percent of 50 is 10.",
        "How tall is six feet and meters?": "6 feet is about 1.83 meters.",
    }.items(),
)
def test_what_the_recogniser_writes_with_capitals_and_punctuation_is_understood(asked: str, answered: str) -> None:
    assert reply(asked) == answered


def test_it_repeats_more_slowly_and_spells_what_it_said() -> None:
    assert reply("Slower, please.", "Today is Monday, November 23, 2026.") == "Today is Monday, … November 23, 2026."
    assert reply("Slower, please.", "Today is … Monday.") == "Today is Monday."
    spelled = "Welcome is spelled W, E, L, C, O, M, E."
    assert reply("Can you spell it?", "You are welcome.") == reply("Spell that.", spelled) == spelled


@pytest.mark.parametrize(
    ("asked", "seconds"),
    {
        "Set a timer for 5 minutes.": 300,
        "set a timer for one minute and thirty seconds": 90,
        "Set a ten second timer": 10,
        "Start a 10-second timer.": 10,
        "Remind me in half an hour to call Ann.": 1800,
        "remind me to stretch in two and a half minutes": None,
        "Remind me to stretch in two minutes": 120,
        "Wake me in an hour": 3600,
        "what time is it": None,
        "Set a timer for three days": None,
        "set a timer for 5 hours": None,
        f"set a timer for {'9' * 400} seconds": None,
    }.items(),
)
def test_it_sets_timers(asked: str, seconds: float | None) -> None:
    found = replies.timer(asked)
    assert (found.seconds if found else None) == seconds
    if found:
        assert reply(asked) == found.confirmation


def test_a_timer_says_what_it_was_for() -> None:
    reminder = replies.timer("Remind me in ten seconds to call Ann.")
    timer = replies.timer("Set a timer for 90 seconds")
    assert reminder and timer
    assert reminder.text == "Reminder: call Ann."
    assert timer.text == "Time is up: 1 minute and 30 seconds."
    assert "one second to one hour" in reply("set a timer for 5 hours")


def test_it_does_not_say_the_same_thing_each_time() -> None:
    said = [reply("the boat slid down", *["x"] * turn) for turn in range(4)]
    assert len(set(said)) == 4


@pytest.mark.parametrize("said", ["Hello, can you hear me?", "How are you?", "Okay.", "Yes.", "No.", "Stop."])
def test_what_people_say_first_is_not_read_back(said: str) -> None:
    assert f"“{said}”" not in reply(said)


def test_it_counts() -> None:
    assert reply("count to ten") == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10."
    assert reply("Count down from three!") == "3, 2, 1."
    assert "at most" in reply("count to 5000")


@pytest.mark.parametrize("asked", ["repeat", "please say that again", "what did you say"])
def test_it_repeats_its_last_answer(asked: str) -> None:
    assert reply(asked, "It is 3:05 PM.", "7 plus 5 is 12.") == "7 plus 5 is 12."
    assert reply(asked) == "I have not said anything yet."


def test_its_story_is_long_enough_to_watch() -> None:
    story = reply("tell me a long story")
    assert story.count("\n\n") >= 4
    assert len(replies.pieces(story)) > 250


@pytest.mark.parametrize(
    "heard",
    ["help", "what can you do", "who are you", "hello", "good morning how are you", "the boat slid down", "42", ""],
)
def test_it_says_what_it_is(heard: str) -> None:
    said = reply(heard)
    assert "practice server" in said
    assert "not a language model" in said


def test_a_known_question_is_answered_without_a_sermon() -> None:
    assert all("practice server" not in reply(asked) for asked in ("what time is it", "two plus two", "thank you"))


@pytest.mark.parametrize(
    "text", ["the boat slid down", "Who is it?", "<script>alert(1)</script>", "Grüß Gott, 你好", "my new hello kitty"]
)
def test_anything_else_is_read_back_as_it_was(text: str) -> None:
    assert f"“{text}”" in reply(text)


@pytest.mark.parametrize("heard", ["", "  \n", "…", "?!"])
def test_without_words_it_says_that_it_heard_a_voice_and_what_it_understands(heard: str) -> None:
    assert "voice" in reply(heard)
    assert "English only" in reply(heard)


def test_a_message_of_any_length_is_answered_briefly() -> None:
    assert len(reply("date " * 100_000)) < 1000


@given(st.text())
def test_every_text_gets_an_answer_whose_pieces_are_the_answer(text: str) -> None:
    said = reply(text)
    assert said
    assert "".join(replies.pieces(said)) == said


@given(st.text(max_size=300))
def test_pieces_lose_nothing_and_stay_short(text: str) -> None:
    pieces = replies.pieces(text)
    assert "".join(pieces) == text
    assert all(len(piece.strip()) <= 24 for piece in pieces)


@given(st.integers(0, 999_999), st.integers(1, 999_999))
def test_sums_are_right(a: int, b: int) -> None:
    assert reply(f"what is {a} plus {b}") == f"{a:,} plus {b:,} is {a + b:,}."
    assert reply(f"{a} - {b}") == f"{a:,} minus {b:,} is {a - b:,}."
