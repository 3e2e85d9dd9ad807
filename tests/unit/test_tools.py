"""`@tool`, the schema it makes, what it refuses, and `--tools FILE`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from voice_ui.errors import SettingsError
from voice_ui.tools import InvalidArguments, Tool, Toolbox, ToolContext, ToolError, load, tool
from voice_ui.tools.docstring import read
from voice_ui.tools.mcp_config import McpServer, parse

HERE = Path(__file__)


class Unit(Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Place(BaseModel):
    town: str
    country: str = "France"


@dataclass
class Span:
    start: date
    days: int


@tool
def weather(
    town: str,
    span: Span,
    unit: Unit = Unit.CELSIUS,
    detail: Annotated[Literal["short", "long"], Field(description="How much to say")] = "short",
    copy: list[Place] | None = None,
    *,
    context: ToolContext,
) -> str:
    """Return the weather.

    Of today, or of the days to come.

    Args:
        town: Without the
            country.
        detail: Not taken: the hint says it.
    """
    return f"{town} {span} {unit} {detail} {copy} {context.call_id}"


def test_a_function_becomes_a_schema() -> None:
    wire = weather.to_wire()
    assert (wire["type"], wire["name"]) == ("function", "weather")
    assert wire["description"] == "Return the weather.\n\nOf today, or of the days to come."
    schema = wire["parameters"]
    assert schema["required"] == ["town", "span"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert "context" not in properties
    assert properties["town"] == {"type": "string", "description": "Without the country."}
    assert properties["unit"]["default"] == "celsius"
    assert properties["detail"]["description"] == "How much to say"
    assert properties["detail"]["enum"] == ["short", "long"]
    json.dumps(wire)


def test_arguments_arrive_as_the_types_of_the_function() -> None:
    arguments = weather.read('{"town": "Aix", "span": {"start": "2026-11-26", "days": 2}, "copy": [{"town": "Arles"}]}')
    assert arguments == {"town": "Aix", "span": Span(date(2026, 11, 26), 2), "copy": [Place(town="Arles")]}
    context = ToolContext(None, "call_1", 1, print)  # type: ignore[arg-type]
    assert weather.call(arguments, context).endswith("call_1")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("{", "they are not valid JSON"),
        ("[]", "they are not a JSON object"),
        ('"town"', "they are not a JSON object"),
        ('{"town": NaN}', "they are not valid JSON"),
        ("{}", "town: Field required; span: Field required"),
        ('{"town": "x", "span": {"start": "soon", "days": 1}}', "span.start: Input should be a valid date"),
        ('{"town": "x", "span": {"start": "2026-11-26", "days": 1}, "z": 1}', "z: Extra inputs are not permitted"),
    ],
)
def test_arguments_that_do_not_fit_are_explained_without_repeating_them(arguments: str, reason: str) -> None:
    with pytest.raises(InvalidArguments, match=reason):
        weather.read(arguments)


def test_a_tool_is_still_the_function() -> None:
    @tool(name="other", approve=True, timeout=3)
    async def double(number: int) -> int:
        """Double a number."""
        return 2 * number

    assert asyncio.run(double(4)) == 8
    assert (double.name, double.approve, double.timeout, double.is_async) == ("other", True, 3.0, True)
    assert double.__doc__ == "Double a number."


def test_a_method_of_an_object_can_be_a_tool() -> None:
    class Shop:
        def buy(self, what: str) -> str:
            """Buy something."""
            return f"bought {what}"

    made = tool(Shop().buy)
    assert made.call(made.read('{"what": "tea"}'), ToolContext(None, "", 1, print)) == "bought tea"  # type: ignore[arg-type]


def no_hint(x) -> None:  # type: ignore[no-untyped-def]
    """D."""


def no_docstring(x: int) -> None:
    pass


def any_number(*x: int) -> None:
    """D."""


def any_names(**x: int) -> None:
    """D."""


def by_place(x: int, /) -> None:
    """D."""


def unknown_name(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """D."""


def no_schema(x: asyncio.Event) -> None:
    """D."""


def generates(x: int) -> Any:
    """D."""
    yield x


class Method:
    def method(self, x: int) -> None:
        """D."""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_hint, "its parameter x has no type hint"),
        (no_docstring, "it has no docstring"),
        (any_number, "it takes any number of arguments"),
        (any_names, "it takes any number of arguments"),
        (by_place, "its parameter x is positional-only"),
        (unknown_name, "its type hints name 'Nowhere', which is not defined"),
        (no_schema, "Unable to generate pydantic-core schema for <class 'asyncio.locks.Event'>"),
        (generates, "it is a generator"),
        (Method.method, "it is a method without its object"),
        (Method, "it is not a function but of type type"),
        (3, "it is not a function but of type int"),
        (lambda: 1, "its name '<lambda>' must be"),
        (weather, "it is one already"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_with_file_line_and_reason(function: Callable[..., Any], reason: str) -> None:
    with pytest.raises(ToolError) as refused:
        tool(function)
    place, _, words = str(refused.value).partition(": ")
    path, _, line = place.rpartition(":")
    assert path == str(HERE)
    assert 1 <= int(line) <= len(HERE.read_text().splitlines())
    assert f"cannot be a tool: {reason}" in words
    assert "\n" not in words


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), True, "3"])
def test_a_timeout_is_a_positive_number(timeout: Any) -> None:
    with pytest.raises(ToolError, match="must be a positive number of seconds"):
        tool(timeout=timeout)(no_docstring)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolError, match="two tools are called 'weather'"):
        Toolbox([weather, weather])


@pytest.mark.parametrize(
    "docstring",
    [
        "Do it.\n\n    Args:\n      a: The first.\n      b (int): The\n        second.\n    Returns:\n      x",
        "Do it.\n\n    Parameters\n    ----------\n    a : str\n        The first.\n    b\n        The second.\n",
        "Do it.\n\n    :param a: The first.\n    :param int b: The\n        second.\n    :returns: no\n",
    ],
)
def test_a_docstring_describes_function_and_parameters(docstring: str) -> None:
    assert read(docstring) == ("Do it.", {"a": "The first.", "b": "The second."})


# --tools FILE.


def loaded(tmp_path: Path, text: str) -> list[Tool]:
    path = tmp_path / "my_tools.py"
    path.write_text("from voice_ui.tools import tool\n" + text)
    return load(path)


def test_a_file_is_imported_and_its_marked_functions_are_taken(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("TOWN = 'Aix'\n")
    text = """
from __future__ import annotations
from dataclasses import dataclass
import neighbour

@dataclass
class Span:
    days: int

def not_marked(): ...

@tool
def first(span: Span) -> str:
    "First."
    return neighbour.TOWN

@tool(name="second")
async def another() -> str:
    "Second."
"""
    text = "from __future__ import annotations\n" + text.replace("from __future__ import annotations\n", "")
    path = tmp_path / "my_tools.py"
    path.write_text(text.replace("import neighbour", "import neighbour\nfrom voice_ui.tools import tool"))
    tools = load(path)
    assert [each.name for each in tools] == ["first", "second"]
    assert tools[0].call(tools[0].read('{"span": {"days": 1}}'), None) == "Aix"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("1 / 0", ["my_tools.py:2: ZeroDivisionError: division by zero"]),
        ("def (", ["my_tools.py:2: invalid syntax"]),
        ("import no_such_module", ["my_tools.py:2: ModuleNotFoundError: No module named 'no_such_module'"]),
        ("raise SystemExit(1)", ["my_tools.py:2: SystemExit: 1"]),
        ("x = 1", ["my_tools.py marks no function with @tool"]),
        (
            "@tool\ndef a(x): 'A.'\n@tool\ndef b(): pass\n",
            [
                "my_tools.py:2: a cannot be a tool: its parameter x has no type hint",
                "my_tools.py:4: b cannot be a tool: it has no docstring, which tells the model what it does",
            ],
        ),
        ("@tool\ndef a(): 'A.'\n@tool(name='a')\ndef b(): 'B.'\n", ["my_tools.py has two tools called 'a'"]),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_each(tmp_path: Path, text: str, lines: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)
    said = str(refused.value).splitlines()
    assert len(said) == len(lines)
    for line, expected in zip(said, lines, strict=True):
        assert line.endswith(expected)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VOICE_UI_TOOLS: there is no file"):
        load(tmp_path / "no.py", "VOICE_UI_TOOLS")


# VOICE_UI_MCP.


def test_servers_are_named_with_a_command_or_an_address() -> None:
    assert parse("files=npx -y 'a b' /tmp; wiki = https://example.com/mcp\n") == (
        McpServer("files", ("npx", "-y", "a b", "/tmp")),
        McpServer("wiki", url="https://example.com/mcp"),
    )


def test_servers_may_be_in_the_file_of_other_clients(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    servers = {
        "files": {"command": "npx", "args": ["-y"], "env": {"A": "b"}, "approve": True},
        "wiki": {"url": "https://example.com/mcp", "headers": {"Authorization": "Bearer very-secret-word"}},
    }
    path.write_text(json.dumps({"mcpServers": servers}))
    files, wiki = parse(str(path))
    assert (files.command, files.env, files.approve) == (("npx", "-y"), {"A": "b"}, True)
    assert wiki.headers == {"Authorization": "Bearer very-secret-word"}
    assert "very-secret-word" not in repr(wiki)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("npx files", "is not of the form NAME=COMMAND or NAME=URL"),
        ("a b=npx", "is not a name"),
        ("a=npx; a=uvx", "a is named twice"),
        (";", "it names no server"),
        ("a='npx", "No closing quotation"),
        ("missing.json", "cannot be read"),
    ],
)
def test_what_names_no_server_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    "given",
    [
        "{",
        "[]",
        '{"mcpServers": []}',
        '{"mcpServers": {"a": {}}}',
        '{"mcpServers": {"a": {"url": 3}}}',
        '{"mcpServers": {"a": {"command": "x", "args": "y"}}}',
        '{"mcpServers": {"a": {"url": "x", "headers": {"a": 1}}}}',
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, given: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(given)
    with pytest.raises(ValueError):
        parse(str(path))


# Who may use them.


@pytest.mark.parametrize(
    ("is_owner", "setting", "allowed"), [(True, "no", True), (False, "no", False), (False, "yes", True)]
)
def test_visitors_use_no_tools_unless_the_owner_says_so(
    tmp_path: Path, is_owner: bool, setting: str, allowed: bool
) -> None:
    from tests.unit.test_settings import NOTHING
    from voice_ui.app import VoiceUI
    from voice_ui.settings import read
    from voice_ui.sharing.guard import Visitor

    path = tmp_path / "my_tools.py"
    path.write_text("from voice_ui.tools import tool\n@tool\ndef one() -> int:\n    'One.'\n    return 1\n")
    chosen = read(NOTHING, {"VOICE_UI_TOOLS": str(path), "VOICE_UI_TOOLS_FOR_VISITORS": setting}, {})
    voice_ui = VoiceUI(chosen)
    tools = voice_ui._tools_for(Visitor("192.168.1.5", is_owner))()
    assert [each.name for each in tools] == (["one"] if allowed else [])
