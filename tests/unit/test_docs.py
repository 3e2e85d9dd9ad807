"""The documentation says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.api_docs import api
from tests.unit.test_house import FLOORS
from tests.write_docs import API, ERRORS, HEADINGS, errors
from voice_ui.errors import CODES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_code_is_documented() -> None:
    assert ERRORS.read_text(encoding="utf-8") == errors(), "run: python -m tests.write_docs"
    assert {code.where for code in CODES.values()} == HEADINGS.keys()


def test_the_python_interface_is_documented() -> None:
    assert API.read_text(encoding="utf-8") == api(), "run: python -m tests.write_docs"
    assert "lambda" not in api() and " object at 0x" not in api()


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_what_the_readme_links_to_exists(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_readme_shows_the_house_as_it_is() -> None:
    picture = README.partition("How it is built")[2].split("```")[1]
    shown = [set(re.sub(r"\.{2,}.*", "", line).split()) for line in picture.splitlines() if line.strip()]
    rooms = [{re.sub(r"[()/]", "", room) for room in floor} for floor in shown]
    existing = {path.stem for path in (ROOT / "voice_ui").iterdir()} | {"main.py"}
    assert rooms[0] == {"main.py"}
    built = [floor & existing for floor in FLOORS]
    assert [floor & existing for floor in rooms[1:]] == built


def test_the_two_commands_are_on_the_first_screen() -> None:
    first_screen = "\n".join(README.splitlines()[:20])
    assert "pip install -e . && python main.py" in first_screen
    assert 'pip install -e ".[test]" && pytest' in first_screen


SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("test", re.findall(r"`(tests/[^`]+)`", SECURITY))
def test_every_test_that_holds_a_promise_exists(test: str) -> None:
    file, _, name = test.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or f"def {name}(" in text


@pytest.mark.parametrize("row", re.findall(r"^\| [A-Z].*$", SECURITY.partition("## What is defended")[2], re.MULTILINE))
def test_every_promise_is_held_by_a_test(row: str) -> None:
    assert "`tests/" in row
