"""Writes the tables of the documentation that repeat what the program knows: `python -m tests.write_docs`."""

from __future__ import annotations

from pathlib import Path

from voice_ui.errors import CATALOGUE, Problem

ERRORS = Path(__file__).parents[1] / "docs" / "errors.md"

HEADINGS = {
    "microphone": "The microphone",
    "connection": "The way to the server",
    "server": "The server says no",
    "reply": "The reply",
    "limits": "The owner's limits",
}


def errors() -> str:
    """Return docs/errors.md as the catalogue says it."""
    text = (
        "# What can go wrong\n\n"
        "Everything the page can tell, with its code (`data-code` of the error area). *Again*: whether pressing Start\n"
        "again, with nothing changed, can help. Written by `python -m tests.write_docs` from `voice_ui/errors.py`.\n"
    )
    for where, heading in HEADINGS.items():
        text += f"\n## {heading}\n\n| code | cause | cure | again |\n|---|---|---|---|\n"
        for entry in CATALOGUE.values():
            if entry.where == where:
                problem = Problem(entry.code)
                text += f"| `{entry.code}` | {problem.cause} | {problem.fix} | {'yes' if entry.retry else ''} |\n"
    return text


if __name__ == "__main__":
    ERRORS.write_text(errors(), encoding="utf-8")
