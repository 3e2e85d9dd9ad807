"""Frames without a parser are what websockets reads and writes."""

from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from voice_ui import text_frame

TEXTS = [b"", b"x", b"y" * 125, b"z" * 126, "größer".encode() * 200, b"w" * 65_535]


def server() -> ServerProtocol:
    return ServerProtocol(state=State.OPEN)


def client() -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)


@pytest.mark.parametrize("text", TEXTS, ids=len)
@pytest.mark.parametrize("masked", [True, False], ids=["masked", "plain"])
def test_what_is_written_is_what_websockets_reads_and_the_other_way_round(text: bytes, masked: bool) -> None:
    receiver = server() if masked else client()
    receiver.receive_data(text_frame.write(text, masked=masked))
    assert [(event.opcode, bytes(event.data)) for event in receiver.events_received()] == [(Opcode.TEXT, text)]  # type: ignore[union-attr]
    sent = Frame(Opcode.TEXT, text).serialize(mask=masked)
    found, rest = text_frame.read(receiver, sent + sent)
    if len(sent) >= 8:
        assert (found, rest) == ([text, text], b"")
    else:  # too short to be worth it
        assert b"".join(found) + rest


def test_a_reserved_bit_is_left_to_websockets() -> None:
    frame = bytearray(Frame(Opcode.TEXT, b"compressed?").serialize(mask=True))
    frame[0] |= 0x40
    assert text_frame.read(server(), bytes(frame)) == ([], frame)


def test_a_long_message_is_written_with_its_length_in_eight_bytes() -> None:
    text = b"v" * 70_000
    receiver = client()
    receiver.receive_data(text_frame.write(text, masked=False))
    assert [bytes(event.data) for event in receiver.events_received()] == [text]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Opcode.TEXT, b"half of it", fin=False),
        Frame(Opcode.BINARY, b"bytes, no text"),
        Frame(Opcode.PING, b"are you there"),
        Frame(Opcode.CLOSE, b"\x03\xe8and a reason"),
        Frame(Opcode.TEXT, b"u" * 70_000),
    ],
    ids=lambda frame: f"{frame.opcode.name} {len(frame.data)}",
)
def test_whatever_is_not_plainly_a_whole_text_is_left_to_websockets(frame: Frame) -> None:
    text = Frame(Opcode.TEXT, b"before it all").serialize(mask=True)
    other = frame.serialize(mask=True)
    assert text_frame.read(server(), text + other + text) == ([b"before it all"], other + text)


def test_a_frame_that_comes_in_two_parts_is_left_to_websockets_until_it_is_over() -> None:
    receiver = server()
    frame = Frame(Opcode.TEXT, b"in two parts").serialize(mask=True)
    for cut in range(1, len(frame)):
        assert text_frame.read(receiver, frame[:cut]) == ([], frame[:cut])
        receiver.receive_data(frame[:cut])
        assert text_frame.read(receiver, frame[cut:] + frame) == ([], frame[cut:] + frame)
        receiver.receive_data(frame[cut:])
        assert [bytes(event.data) for event in receiver.events_received()] == [b"in two parts"]  # type: ignore[union-attr]
        assert text_frame.read(receiver, frame) == ([b"in two parts"], b"")


def test_within_a_message_of_several_frames_and_after_a_close_nothing_is_read() -> None:
    receiver = server()
    frame = Frame(Opcode.TEXT, b"at the wrong time").serialize(mask=True)
    receiver.receive_data(Frame(Opcode.TEXT, b"begun ", fin=False).serialize(mask=True))
    assert text_frame.read(receiver, frame) == ([], frame)
    receiver.receive_data(Frame(Opcode.CONT, b"and over").serialize(mask=True))
    assert text_frame.read(receiver, frame) == ([b"at the wrong time"], b"")
    receiver.send_close(CloseCode.NORMAL_CLOSURE)
    receiver.receive_data(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
    assert text_frame.read(receiver, frame) == ([], frame)


def test_what_a_client_must_not_send_unmasked_is_left_to_websockets() -> None:
    frame = Frame(Opcode.TEXT, b"not masked").serialize(mask=False)
    assert text_frame.read(server(), frame) == ([], frame)
    assert text_frame.read(client(), frame) == ([b"not masked"], b"")
