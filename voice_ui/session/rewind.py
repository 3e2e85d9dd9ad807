"""Takes back what a lost connection did not answer, for the next connection."""

from __future__ import annotations

from voice_ui.conversation import Change, Conversation
from voice_ui.session.entries import Message, Outputs
from voice_ui.session.link import Link
from voice_ui.session.stream import Stream

MOST_ATTEMPTS = 3
"""A reply is requested over at most this many connections, because each request may cost."""


def rewind(stream: Stream, link: Link, conversation: Conversation) -> tuple[list[Change], float, bool]:
    """Take back what `link` did not answer.

    A turn that is known in writing will be given in writing; from the first that is not, all is said again. Returns
    what this changes in the conversation, the milliseconds of speech that are no longer kept, and whether a reply is
    given up.
    """
    stream.trim(link.unanswered_ms)
    changes: list[Change] = []
    again = given_up = False
    for turn in link.turns.open:
        if isinstance(turn.entry, Message | Outputs):
            if turn.entry.attempts >= MOST_ATTEMPTS:
                stream.answer(turn.entry)
                given_up = True
            continue
        attempts = stream.note_speech(turn.start_ms, turn.end_ms, is_attempt=turn.response_id is not None)
        if attempts >= MOST_ATTEMPTS:
            stream.write_down(turn.end_ms, turn.entry, None)
            changes += conversation.fail(turn.item_id)
            given_up = True
        elif not again and conversation.is_known(turn.item_id):
            message = Message(turn.item_id, conversation.text_of(turn.item_id), attempts=attempts)
            stream.write_down(turn.end_ms, turn.entry, message)
        else:
            again = True
            changes += conversation.forget(turn.item_id)
    if link.turns.speech_start_ms is not None:
        stream.note_speech(link.turns.speech_start_ms, stream.sent_ms, is_attempt=False)
        changes += conversation.forget(link.turns.spoken_item_id)
    return changes, stream.rewind(), given_up
