"""What a client may do with the conversation: add, delete, retrieve, truncate."""

from __future__ import annotations

import pytest

from tests.pictures import picture
from tests.unit.practice_client import PracticeClient, loud, quiet
from voice_ui import audio
from voice_ui.offline.items import MAX_ITEMS


def add(client: PracticeClient, item_id: str, role: str = "user", **fields: str) -> None:
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"id": item_id, "type": "message", "role": role, "content": [{"type": kind, "text": f"text of {item_id}"}]}
    client.send("conversation.item.create", item=item, **fields)


async def test_an_item_goes_to_the_end_or_after_another_or_first() -> None:
    client = PracticeClient()
    add(client, "a")
    add(client, "c")
    add(client, "b", previous_item_id="a")
    add(client, "start", previous_item_id="root")
    add(client, "end")
    previous = [event["previous_item_id"] for event in client.all("conversation.item.added")]
    assert previous == [None, "a", "a", None, "c"]
    assert client.all("conversation.item.done")[2]["item"]["content"] == [{"type": "input_text", "text": "text of b"}]


async def test_an_item_after_one_that_does_not_exist_is_refused() -> None:
    client = PracticeClient()
    add(client, "a", previous_item_id="nowhere")
    assert client.refusal == ("item_create_invalid_previous_item_id", "previous_item_id")
    client.forget()
    client.send("conversation.item.retrieve", item_id="a")
    assert client.refusal == ("item_retrieve_invalid_item_id", "item_id")


async def test_an_id_is_given_once() -> None:
    client = PracticeClient()
    add(client, "a")
    client.forget()
    add(client, "a")
    assert client.refusal == ("item_create_duplicate_item_id", "item.id")


async def test_a_conversation_is_carried_over_from_another_session() -> None:
    client = PracticeClient()
    add(client, "q1")
    add(client, "a1", role="assistant")
    add(client, "q2")
    add(client, "s", role="system")
    client.forget()
    client.send("response.create")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: text of q2"


async def test_the_content_of_an_item_must_suit_its_role() -> None:
    client = PracticeClient()
    content = [{"type": "input_text", "text": "x"}]
    client.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
    assert client.refusal == ("invalid_value", "item.content[0].type")


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,",
        "https://example.com/a.png",
        "data:image/webp;base64,UklGRg==",
        picture("JPEG").url.replace("image/jpeg", "image/png"),
        picture("PNG").url[:60],
        "data:image/png;base64,%%%%",
    ],
    ids=["empty", "elsewhere", "webp", "another type", "cut off", "not base64"],
)
async def test_what_is_no_png_or_jpeg_is_refused(url: str) -> None:
    client = PracticeClient()
    content = [{"type": "input_image", "image_url": url}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert client.refusal == ("invalid_value", "item.content[0].image_url")


async def test_a_spoken_item_that_comes_whole_is_listened_to() -> None:
    client = PracticeClient()
    content = [{"type": "input_audio", "audio": audio.encode(loud(500))}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert "audio" not in client.one("conversation.item.added")["item"]["content"][0]
    assert client.recognizer.utterances[0].pcm == loud(500)
    client.send("response.create")
    await client.hear("hello")
    await client.let_time_pass()
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_what_was_heard_is_found_in_the_item_later() -> None:
    client = PracticeClient()
    client.say(loud(500), quiet(200))
    await client.hear("hello")
    item_id = client.one("input_audio_buffer.committed")["item_id"]
    client.send("conversation.item.retrieve", item_id=item_id)
    item = client.one("conversation.item.retrieved")["item"]
    assert item["content"] == [{"type": "input_audio", "transcript": "hello"}]


async def test_an_item_deleted_before_its_words_came_is_not_transcribed() -> None:
    client = PracticeClient(update={"audio": {"input": {"transcription": {"model": "any"}}}})
    client.say(loud(500), quiet(200))
    item_id = client.one("input_audio_buffer.committed")["item_id"]
    client.send("conversation.item.delete", item_id=item_id)
    assert client.types[-1] == "conversation.item.deleted"
    client.forget()
    await client.hear("hello")
    await client.let_time_pass()
    assert not [name for name in client.types if "transcription" in name]
    assert client.one("response.output_text.done")["text"] == "You said: hello"


async def test_calls_of_tools_are_kept_as_they_came() -> None:
    client = PracticeClient()
    call = {"type": "function_call", "call_id": "call_9", "name": "look", "arguments": "{}"}
    client.send("conversation.item.create", item=call)
    client.send("conversation.item.create", item={"type": "function_call_output", "call_id": "call_9", "output": "42"})
    first, second = (event["item"] for event in client.all("conversation.item.done"))
    assert first | call == first
    assert second["output"] == "42"


async def test_items_that_do_not_exist_are_named_in_the_error() -> None:
    client = PracticeClient()
    for action in ("delete", "retrieve"):
        client.forget()
        client.send(f"conversation.item.{action}", item_id="item_x")
        assert client.refusal == (f"item_{action}_invalid_item_id", "item_id")
        assert "item_x" in client.one("error")["error"]["message"]


async def test_the_oldest_is_forgotten_when_a_conversation_grows_too_long() -> None:
    client = PracticeClient()
    for number in range(MAX_ITEMS + 1):
        add(client, f"item_{number}")
    client.forget()
    client.send("conversation.item.retrieve", item_id="item_0")
    assert client.refusal == ("item_retrieve_invalid_item_id", "item_id")
    client.send("conversation.item.retrieve", item_id="item_1")
    assert client.types[-1] == "conversation.item.retrieved"


async def test_a_conversation_that_grows_at_its_beginning_is_bounded_too() -> None:
    client = PracticeClient()
    for number in range(MAX_ITEMS + 1):
        add(client, f"item_{number}", previous_item_id="root")
    client.forget()
    client.send("conversation.item.retrieve", item_id=f"item_{MAX_ITEMS}")
    client.send("conversation.item.retrieve", item_id=f"item_{MAX_ITEMS - 1}")
    assert client.types == ["conversation.item.retrieved", "error"]
