"""Writes the tables of the documentation that repeat what the program knows: `python -m tests.write_docs`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.api_docs import api
from voice_ui.errors import CODES
from voice_ui.page.messages import MESSAGES

DOCS = Path(__file__).parents[1] / "docs"
ERRORS, API = DOCS / "errors.md", DOCS / "api.md"

HEADINGS = {
    "microphone": "The microphone",
    "connection": "The connection",
    "server": "The server refuses",
    "reply": "The reply",
    "image": "Images and files",
    "limits": "The owner's limits",
}

START = """# What can go wrong

Every problem the page can show, by its code (`data-code` of the error area, `Problem.code` in Python). Words in
*italics* stand for what is known at the time, such as the name of the server. *Retry*: whether pressing Start
again, with nothing changed, can help. Written by `python -m tests.write_docs` from `voice_ui/errors.py` and
`voice_ui/page/messages.py`.
"""


def errors() -> str:
    """Return docs/errors.md."""
    text = START
    for where, heading in HEADINGS.items():
        text += f"\n## {heading}\n\n| code | what happened | what to do | retry |\n|---|---|---|---|\n"
        for code, known in CODES.items():
            if known.where == where:
                message = MESSAGES[code][0]
                retry = "yes" if known.retry else ""
                text += f"| `{code}` | {_in_italics(message.cause)} | {_in_italics(message.fix)} | {retry} |\n"
    return text


def _in_italics(template: str) -> str:
    return re.sub(r"{(\w+)}", r"*\1*", template)


if __name__ == "__main__":
    ERRORS.write_text(errors(), encoding="utf-8")
    API.write_text(api(), encoding="utf-8")
