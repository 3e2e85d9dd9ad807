"""Half of a character that waits for the other one, and for which all of the text comes instead."""

from __future__ import annotations

import pytest

from tests.unit.test_conversation import delta, done, played, told, written
from voice_ui.protocol import ServerEvent, server

WHOLE = {
    "item": server.OutputItemDone("r", written("a", "Hi \N{GRINNING FACE}")),
    "part": server.OutputTextDone("r", "a", 0, "Hi \N{GRINNING FACE}"),
}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_half_a_character_is_not_added_to_the_whole_text(whole: ServerEvent) -> None:
    begun = (server.Committed("u"), server.ResponseCreated("r"), delta("Hi \ud83d"))
    assert told(played(*begun, whole, done()))[1:] == [(1, "assistant", "Hi \N{GRINNING FACE}", "completed")]


def test_half_a_character_of_a_part_that_the_whole_item_does_not_have_is_dropped() -> None:
    begun = (server.Committed("u"), server.ResponseCreated("r"), delta("\ud83d", part=1))
    whole = server.OutputItemDone("r", written("a", "Hi \N{GRINNING FACE}"))
    assert told(played(*begun, whole, done()))[1:] == [(1, "assistant", "Hi \N{GRINNING FACE}", "completed")]
