"""Figures: medians beside their floor, and charts in which flat looks flat. And stamps that survive the way."""

import re

import pytest
from hypothesis import given, strategies as st

from benchmarks import chart, stamp
from benchmarks.figures import collect, milliseconds, table
from benchmarks.growth import Series
from voice_ui import audio


def test_a_figure_stands_beside_its_floor_as_a_ratio_of_medians() -> None:
    ours = [{"up p50, ms": value} for value in (3.0, 2.0, 10.0)]
    floor = [{"up p50, ms": value} for value in (1.0, 2.0, 1.5)]
    (figure,) = collect(ours, floor, {"up p50, ms": "≤ 25"})
    assert figure.ratio == 2.0
    text = table("A turn", [figure])
    assert re.search(
        r"up p50 +\| ms +\| 3\.00 \(2\.00 to 10\.0\) +\| 1\.50 \(1\.00 to 2\.00\) +\| 2\.00 +\| ≤ 25", text
    )


def test_without_a_floor_there_is_no_ratio() -> None:
    (figure,) = collect([{"memory, MB": 3.0}], [{}], {})
    assert figure.ratio is None


def test_percentiles_are_milliseconds() -> None:
    found = milliseconds("down", [number / 1000 for number in range(1, 101)])
    assert found["down p50, ms"] == pytest.approx(50, abs=1)
    assert found["down max, ms"] == pytest.approx(100)


def test_a_flat_line_is_drawn_in_the_middle() -> None:
    picture = chart.svg([Series("turns", "µs per delta", [1.0, 2.0, 3.0], [7.0, 7.0, 7.0], [0.0, 0.0, 0.0])])
    (points,) = re.findall(r'points="([^"]+)"', picture)
    heights = {point.partition(",")[2] for point in points.split()}
    assert heights == {f"{chart.GAP + chart.HEIGHT / 2:.1f}"}


@given(st.floats(min_value=0, max_value=1e9), st.integers(0, 65_535), st.integers(0, 65_535))
def test_a_stamp_comes_out_of_a_chunk_as_it_went_in(sent: float, deltas: int, delta_ms: int) -> None:
    mark = stamp.Stamp(sent, deltas, delta_ms)
    chunk = mark.on(audio.silence(20))
    assert len(chunk) == len(audio.silence(20))
    assert stamp.of_chunk(chunk) == mark


def test_a_chunk_without_a_stamp_has_none() -> None:
    assert stamp.of_chunk(audio.silence(20)) is None
    assert stamp.of_chunk(b"") is None


def test_the_moments_of_deltas_are_read_from_the_end_of_the_text() -> None:
    text = "".join(stamp.delta(moment) for moment in (1.5, 2.25, 1000.125))
    assert stamp.newer(text, 1.6) == [1000.125, 2.25]
    assert len(stamp.delta(3.0)) == stamp.DELTA_CHARACTERS
