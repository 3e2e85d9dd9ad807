"""A conversation is what was said, in order, whatever order the events come in."""

from __future__ import annotations

from voice_ui.conversation import MOST_CHARACTERS, MOST_ITEMS, Conversation, TextDelta
from voice_ui.protocol import Part, ServerEvent, WireItem, server

Told = tuple[int, str, str, str]


def played(*events: ServerEvent, conversation: Conversation | None = None) -> Conversation:
    """Return the conversation after these events; a response answers the item before it."""
    conversation = conversation or Conversation()
    newest = None
    for event in events:
        if isinstance(event, server.Committed):
            newest = event.item_id
        if isinstance(event, server.ResponseCreated):
            conversation.begin_response(event.response_id, newest)
            newest = None
        conversation.apply(event)
    return conversation


def told(conversation: Conversation) -> list[Told]:
    return [(item.turn, item.role, item.text, item.status) for item in conversation.items]


def delta(text: str, response: str = "r", item: str = "a", part: int = 0) -> ServerEvent:
    return server.OutputTextDelta(response, item, part, text)


def done(response: str = "r", status: str = "completed", *output: WireItem) -> ServerEvent:
    return server.ResponseDone(response, status, output=output)


def written(id: str, text: str, role: str = "assistant") -> WireItem:
    return WireItem(id, "message", role, content=(Part("output_text", text),))


def test_a_spoken_turn_is_two_items_that_grow() -> None:
    conversation = played(
        server.Committed("u"),
        server.ItemAdded(WireItem("u", "message", "user")),
        server.ResponseCreated("r"),
        server.ItemAdded(WireItem("a", "message", "assistant")),
        delta("Hel"),
        server.TranscriptionDelta("u", "Good "),
        delta("lo."),
        server.TranscriptionCompleted("u", " Good morning.\n"),
        done(),
    )
    assert told(conversation) == [(1, "user", "Good morning.", "completed"), (1, "assistant", "Hello.", "completed")]


def test_a_delta_is_passed_on_and_not_found_again() -> None:
    conversation = played(server.Committed("u"), server.ResponseCreated("r"), delta("Hel"))
    assert conversation.apply(delta("lo")) == [TextDelta("a", 0, "lo")]


def test_late_transcripts_land_where_they_were_said() -> None:
    conversation = played(
        server.Committed("i"), server.ResponseCreated("r1"), delta("one", "r1", "a1"), done("r1"),
        server.Committed("j"), server.ResponseCreated("r2"), delta("two", "r2", "a2"), done("r2"),
        server.TranscriptionCompleted("i", "first"), server.TranscriptionCompleted("j", "second"),
    )  # fmt: skip
    assert [(turn, text) for turn, _, text, _ in told(conversation)] == [
        (1, "first"), (1, "one"), (2, "second"), (2, "two"),
    ]  # fmt: skip


def test_one_utterance_under_two_ids_is_shown_once() -> None:
    for transcript_first in (True, False):
        completed = server.TranscriptionCompleted("T", "what time is it")
        added = server.ItemAdded(
            WireItem("U", "message", "user", content=(Part("input_audio", transcript="what time is it"),))
        )
        both = (completed, added) if transcript_first else (added, completed)
        conversation = played(server.Committed("T"), *both, server.ResponseCreated("r"), delta("Noon."), done())
        assert [(turn, role, text) for turn, role, text, _ in told(conversation)] == [
            (1, "user", "what time is it"), (1, "assistant", "Noon."),
        ]  # fmt: skip


def test_the_same_words_said_twice_are_two_turns() -> None:
    def said(item: str) -> tuple[ServerEvent, ...]:
        user = WireItem(item, "message", "user", content=(Part("input_audio", transcript="again"),))
        return server.Committed(item), server.ItemAdded(user), server.TranscriptionCompleted(item, "again")

    assert [turn for turn, *_ in told(played(*said("i"), *said("j")))] == [1, 2]


def test_a_server_that_names_the_utterance_after_its_reply_began_has_one_turn() -> None:
    conversation = played(
        server.ResponseCreated("r"), delta("Noon."), server.TranscriptionCompleted("u", "what time is it"), done()
    )
    assert [(turn, text) for turn, _, text, _ in told(conversation)] == [(1, "what time is it"), (1, "Noon.")]


def test_a_preamble_and_the_answer_are_one_turn() -> None:
    conversation = played(
        server.Committed("u"),
        server.ResponseCreated("r"),
        server.OutputItemAdded("r", WireItem("p", "message", "assistant", phase="commentary")),
        delta("Let me see.", item="p"),
        server.OutputItemAdded("r", WireItem("a", "message", "assistant", phase="final_answer")),
        delta("It is noon.", item="a"),
        done(),
    )
    assert [(item.turn, item.phase, item.text) for item in conversation.items if item.role == "assistant"] == [
        (1, "commentary", "Let me see."), (1, "final_answer", "It is noon."),
    ]  # fmt: skip


def test_two_parts_of_one_item_are_both_kept() -> None:
    conversation = played(
        server.Committed("u"), server.ResponseCreated("r"), delta("One."), delta("Two.", part=1), done()
    )
    assert told(conversation)[-1] == (1, "assistant", "One.\n\nTwo.", "completed")


def test_text_that_comes_only_at_the_end_is_shown() -> None:
    begun = (server.Committed("u"), server.ResponseCreated("r"))
    for events in (
        (server.OutputTextDone("r", "a", 0, "Noon."), done()),
        (server.OutputItemDone("r", written("a", "Noon.")), done()),
        (done("r", "completed", written("a", "Noon.")),),
    ):
        assert told(played(*begun, *events))[-1] == (1, "assistant", "Noon.", "completed")


def test_a_delta_after_the_end_still_belongs_to_its_item() -> None:
    conversation = played(server.Committed("u"), server.ResponseCreated("r"), delta("One"), done(), delta(" more"))
    assert told(conversation)[-1] == (1, "assistant", "One more", "completed")


def test_halves_of_characters_are_joined_and_lone_ones_are_replaced() -> None:
    conversation = played(server.Committed("u"), server.ResponseCreated("r"), delta("Yes \ud83d"))
    assert conversation.apply(delta("\ude00!")) == [TextDelta("a", 0, "\N{GRINNING FACE}!")]
    assert conversation.apply(delta("\ude00")) == [TextDelta("a", 0, "\N{REPLACEMENT CHARACTER}")]
    assert conversation.apply(delta("\ud83d")) == []
    assert conversation.apply(delta("x")) == [TextDelta("a", 0, "\N{REPLACEMENT CHARACTER}x")]


def test_a_lost_reply_stays_and_the_one_that_is_asked_for_again_is_a_turn_of_its_own() -> None:
    conversation = played(
        server.Committed("u"), server.TranscriptionCompleted("u", "hi"), server.ResponseCreated("r"), delta("He")
    )
    conversation.break_off()
    assert told(conversation)[-1] == (1, "assistant", "He", "lost")
    conversation.begin_response("r2", "u")
    conversation.apply(delta("Hello", "r2", "b"))
    conversation.apply(done("r2"))
    assert [(turn, text) for turn, _, text, _ in told(conversation)] == [(1, "hi"), (1, "He"), (2, "Hello")]


def test_what_is_known_in_writing_can_be_given_to_the_next_connection() -> None:
    conversation = played(
        server.Committed("u"), server.ResponseCreated("r"), delta("Hello"), done(),
        server.Committed("v"), server.TranscriptionFailed("v"),
    )  # fmt: skip
    assert [item.text for item in conversation.known] == ["Hello"]


def test_a_typed_line_begins_a_turn_at_once() -> None:
    conversation = Conversation()
    conversation.write("m", "typed")
    conversation.begin_response("r", "m")
    conversation.apply(delta("Read."))
    assert [(turn, text) for turn, _, text, _ in told(conversation)] == [(1, "typed"), (1, "Read.")]


def test_a_greeting_and_what_is_said_after_it_are_two_turns() -> None:
    conversation = played(server.ResponseCreated("r"), delta("Welcome."), done(), server.Committed("u"))
    assert [(turn, role) for turn, role, *_ in told(conversation)] == [(1, "assistant"), (2, "user")]


def test_an_item_that_names_itself_as_the_one_before_it_is_an_item() -> None:
    conversation = played(server.ItemAdded(WireItem("u", "message", "user"), previous_item_id="u"))
    assert [turn for turn, *_ in told(conversation)] == [1]


def test_memory_is_bounded_whatever_a_server_sends() -> None:
    conversation = Conversation()
    for number in range(MOST_ITEMS + 500):
        conversation.apply(server.TranscriptionCompleted(f"u{number}", "word"))
    assert len(conversation.items) == MOST_ITEMS
    conversation.apply(delta("x" * 2 * MOST_CHARACTERS, part=10**9))
    assert len(conversation.text_of("a")) == MOST_CHARACTERS


def test_what_a_server_leaves_out_costs_that_and_not_the_turn() -> None:
    conversation = played(server.Committed("u"), server.ResponseCreated(""), delta("Noon.", "", ""), done(""))
    assert told(conversation)[-1] == (1, "assistant", "Noon.", "completed")


def test_a_transcript_without_an_end_is_not_written_again_once_it_is_full() -> None:
    conversation, words = Conversation(), server.TranscriptionDelta("u", "word " * 20)
    conversation.apply(server.Committed("u"))
    while len(conversation.text_of("u")) < MOST_CHARACTERS:
        conversation.apply(words)
    text = conversation.text_of("u")
    assert conversation.apply(words) == [] and conversation.text_of("u") is text
