"""A small picture of what grows and what does not, as SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.growth import Series

WIDTH, HEIGHT, GAP = 260, 120, 40
INK, LINE = "#63605a", "#0f6b5c"


def svg(grown: Sequence[Series]) -> str:
    """Return one panel for each series: from nothing to twice its dearest, so that flat looks flat."""
    panels = [_panel(series, GAP + place * (WIDTH + GAP)) for place, series in enumerate(grown)]
    width, height = GAP + len(grown) * (WIDTH + GAP), HEIGHT + 2 * GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="11"'
    return "\n".join(
        [
            f'{head} font-family="sans-serif">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *panels,
            "</svg>\n",
        ]
    )


def _panel(series: Series, left: float) -> str:
    top, bottom = max(series.cost) * 2, HEIGHT + GAP
    step = WIDTH / max(1, len(series.at) - 1)
    places = [(left + number * step, bottom - HEIGHT * cost / top) for number, cost in enumerate(series.cost)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return "\n".join(
        [
            f'<text x="{left}" y="{GAP - 14}" fill="{INK}">{series.unit}, from 0 to {top:,.0f}</text>',
            f'<path d="M{left} {GAP}V{bottom}H{left + WIDTH}" fill="none" stroke="{INK}"/>',
            f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{LINE}"/>' for x, y in places),
            f'<text x="{left}" y="{bottom + 14}" fill="{INK}">{series.at[0]:,.0f}</text>',
            f'<text x="{left + WIDTH}" y="{bottom + 14}" fill="{INK}" text-anchor="end">{series.at[-1]:,.0f}</text>',
            f'<text x="{left + WIDTH / 2}" y="{bottom + 28}" fill="{INK}" text-anchor="middle">{series.name}</text>',
        ]
    )
