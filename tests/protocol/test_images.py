"""Showing the model something: into the conversation, counted, given back, refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.patience import until
from tests.pictures import file, picture
from tests.protocol.reader import CONFIG, session_with
from tests.protocol.scripted import ScriptedServer, Wire
from voice_ui.models import MODELS
from voice_ui.offline import server as practice
from voice_ui.servers import Endpoint
from voice_ui.session import Phase

RED = file("PNG", (600, 400), "red")


async def test_the_practice_server_tells_what_it_can_without_seeing_and_counts_the_image() -> None:
    async with practice.serve() as server:
        endpoint = replace(
            Endpoint.compatible(server.url.removesuffix("/realtime"), "practice"),
            prices=MODELS["gpt-realtime-2.1"].prices,
        )
        async with session_with(endpoint, CONFIG, alone=False) as (session, reader):
            session.send_image(RED, "What is this?")
            seen = "It is a PNG of 600 by 400 pixels, mostly red. I cannot see what is in it."
            await until(lambda: reader.written("assistant") == [f"You showed me a picture. {seen}"])
            await until(lambda: session.state.phase is Phase.IDLE)
            usage = session.budget.usage
            assert usage.image_in == 85 + 2 * 170
            # At 5 dollars for a million tokens of image, 4 for text in and 24 for text out.
            spent = usage.image_in * 5 + usage.text_in * 4 + usage.text_out * 24
            assert session.budget.cost == pytest.approx(spent / 1_000_000)

            session.send_image(file("JPEG", (64, 64), "blue"), reply=False)
            assert session.state.phase is Phase.IDLE, "nothing is asked"
            session.send_text("and this?")
            await until(lambda: "a JPEG of 64 by 64 pixels, mostly blue" in reader.written("assistant")[-1])
            await until(lambda: session.state.phase is Phase.IDLE)
            assert session.budget.usage.image_cached == 0, "another connection has read nothing before"
            session.send_text("what is two plus two")
            await until(lambda: "4" in reader.written("assistant")[-1])
            assert not reader.problems


async def test_an_image_is_part_of_the_conversation_that_the_next_connection_is_given() -> None:
    async def breaks(wire: Wire) -> None:
        await wire.configure()
        item = (await wire.hear("conversation.item.create"))["item"]
        assert item["content"] == [{"type": "input_image", "image_url": picture("PNG", (600, 400), "red").url}]
        await wire.say("conversation.item.added", item=item, previous_item_id=None)
        wire.websocket.transport.abort()

    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(breaks, goes_on).running() as server, session_with(server) as (session, reader):
        session.start()
        await until(lambda: session.state.phase is Phase.LISTENING)
        session.send_image(RED, reply=False)
        await until(lambda: len(server.wires) == 2 and len(server.wires[1].received) >= 3)
        assert server.wires[1].received[1]["item"] == server.wires[0].received[1]["item"]
        await until(lambda: session.state.phase is Phase.LISTENING)
        assert "response.create" not in server.wires[0].types + server.wires[1].types
        assert [item.image for item in reader.items.values()] == [picture("PNG", (600, 400), "red")]
        assert not reader.problems


@pytest.mark.parametrize("names_event", [True, False])
async def test_a_server_that_takes_no_images_is_reported_in_words_and_not_given_it_again(names_event: bool) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.configure()
        event = await wire.hear("conversation.item.create")
        named = {"event_id": event["event_id"]} if names_event else {}
        await wire.error("invalid_value", "Invalid value: 'input_image'.", type="invalid_request_error", **named)
        await wire.hear("response.create")
        await wire.reply("What picture?")
        wire.websocket.transport.abort()

    async def goes_on(wire: Wire) -> None:
        await wire.configure()
        await wire.until_closed()

    async with ScriptedServer(refuses, goes_on).running() as server, session_with(server) as (session, reader):
        session.start()
        session.send_image(RED, "What is this?")
        await until(lambda: reader.codes == ["image-refused"])
        assert "input_image" in reader.problems[0].detail
        await until(lambda: len(server.wires) == 2 and session.state.phase is Phase.LISTENING)

        def given() -> list[str]:
            return [event["item"]["role"] for event in server.wires[1].of_type("conversation.item.create")]

        await until(lambda: given() == ["assistant", "system"])
        assert reader.codes == ["image-refused"]


async def test_other_bytes_are_refused_before_anything_is_sent() -> None:
    async with ScriptedServer().running() as server, session_with(server) as (session, _):
        for data in (b"GIF89a", RED + bytes(500_000)):
            with pytest.raises(ValueError):
                session.send_image(data)
        assert session.state.phase is Phase.IDLE and not session.conversation.items
