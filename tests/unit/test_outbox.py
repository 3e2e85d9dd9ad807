"""The outbox keeps order, is bounded, and counts what it had to drop."""

import asyncio

from tests.patience import within
from voice_ui import audio
from voice_ui.session.outbox import Commit, Interrupt, Outbox, Sound


def sound(number: int) -> Sound:
    return Sound(bytes([number]) * 960, float(number))


async def test_what_goes_in_first_comes_out_first() -> None:
    outbox = Outbox()
    for entry in (sound(1), Commit(), sound(2)):
        outbox.put(entry)
    outbox.put_first([Interrupt(), sound(0)])
    taken = [await outbox.get() for _ in range(5)]
    assert taken == [Interrupt(), sound(0), sound(1), Commit(), sound(2)]


async def test_a_reader_waits_until_something_is_there() -> None:
    outbox = Outbox()
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    outbox.put(sound(1))
    assert await within(1, reader) == sound(1)


async def test_too_much_audio_drops_the_oldest_and_counts_it_but_never_an_event() -> None:
    outbox = Outbox(seconds=0.1)
    outbox.put(Interrupt())
    for number in range(8):
        outbox.put(sound(number))
    assert (outbox.audio_ms, outbox.dropped_ms) == (100, 60)
    assert await outbox.get() == Interrupt()
    assert await outbox.get() == sound(3)
    assert outbox.audio_ms == 80


async def test_silence_is_dropped_before_speech() -> None:
    outbox = Outbox(seconds=0.1)
    for number in range(5):
        outbox.put(Sound(bytes([number]) * 960, 0.0, quiet=number in {2, 3}))
    outbox.put(sound(5))
    outbox.put(sound(6))
    outbox.put(sound(7))
    assert [(await outbox.get()).pcm[0] for _ in range(5)] == [1, 4, 5, 6, 7]


def test_a_minute_of_speech_fits() -> None:
    outbox = Outbox()
    for _ in range(3000):
        outbox.put(Sound(audio.silence(20), 0))
    assert outbox.dropped_ms == 0
