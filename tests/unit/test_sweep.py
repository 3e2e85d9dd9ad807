"""A closed page is a circle of objects: it goes when nobody talks, or when there are too many of them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from tests.patience import until
from voice_ui.garbage import PAGES, Garbage


class Page:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def only_when_asked() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def test_a_closed_page_goes_when_nobody_talks() -> None:
    garbage = Garbage(lambda: True, after=0)
    page = weakref.ref(Page())
    garbage.page_closed()
    assert page() is not None
    await until(lambda: page() is None)


async def test_while_somebody_talks_it_waits_for_the_others() -> None:
    asked: list[int] = []
    garbage = Garbage(lambda: bool(asked.append(1)), after=0)
    page = weakref.ref(Page())
    garbage.page_closed()
    await until(lambda: len(asked) == 1)
    assert page() is not None
    for _ in range(PAGES - 1):
        garbage.page_closed()
    await until(lambda: page() is None)
    assert len(asked) == 2
