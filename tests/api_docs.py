"""docs/api.md, from the docstrings of what `voice_ui` exports."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from typing import Any

from nicegui.binding import BindableProperty

import voice_ui

START = """# The Python interface

What `from voice_ui import …` gives. Everything else may change without notice. Written by `python -m tests.write_docs`
from the docstrings; `examples/` shows each of these in use.
"""

ORDER = (
    "VoicePanel",
    "Mic",
    "Speaker",
    "RealtimeSession",
    "SessionConfig",
    "Endpoint",
    "tool",
    "ToolContext",
    "Problem",
)


def api() -> str:
    """Return docs/api.md."""
    names = [*ORDER, *sorted(set(voice_ui.__all__) - set(ORDER))]
    return START + "".join(_section(name, getattr(voice_ui, name)) for name in names)


def _section(name: str, value: Any) -> str:
    if inspect.isclass(value):
        return _class(name, value)
    return f"\n## {name}\n\n{_doc(value)}\n\n```python\n{name}{_signature(value)}\n```\n"


def _class(name: str, cls: type) -> str:
    text = f"\n## {name}\n\n{_doc(cls)}\n"
    if not is_dataclass(cls):
        text += f"\n```python\n{name}{_signature(cls.__init__)}\n```\n"
        if cls.__init__.__doc__:
            text += f"\n{_doc(cls.__init__)}\n"
    rows = "".join(f"| `{member}` | {_cell(doc)} |\n" for member, doc in _members(cls))
    return text + (f"\n| member | |\n|---|---|\n{rows}" if rows else "")


def _members(cls: type) -> Iterator[tuple[str, str]]:
    """Yield fields, properties and methods of ours with their docstrings, in the order of their definition."""
    seen: set[str] = set()
    for owner in (cls, *(base for base in cls.__mro__[1:] if base.__module__.startswith("voice_ui"))):
        docs = _attribute_docs(owner)
        for name, value in vars(owner).items():
            if name.startswith("_") or name in seen or not (doc := _doc(value) or docs.get(name, "")):
                continue
            if inspect.isclass(value) or not _is_documented_here(value, docs, name):
                continue
            seen.add(name)
            yield f"{name}{_signature(value)}", doc
        for name in [name for name in docs if name not in seen and name not in vars(owner)]:
            seen.add(name)
            yield name, docs[name]


def _is_documented_here(value: Any, docs: dict[str, str], name: str) -> bool:
    kinds = (property, cached_property, classmethod, staticmethod, BindableProperty)
    return inspect.isfunction(value) or isinstance(value, kinds) or name in docs


def _attribute_docs(cls: type) -> dict[str, str]:
    """Return the strings below the attributes of a class, and below those that `__init__` sets."""
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    inits = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    docs = {}
    for body in (tree.body, *(init.body for init in inits)):
        for node, after in zip(body, body[1:], strict=False):
            doc = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            if isinstance(doc, str):
                target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "_")
                if not name.startswith("_"):
                    docs[name] = inspect.cleandoc(doc)
    return docs


def _signature(value: Any) -> str:
    function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    if not inspect.isfunction(function):
        return ""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty, default=_by_name(parameter.default))
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in {"self", "cls"}
    ]
    return str(inspect.Signature(parameters))


class _Name:
    """A default that is shown by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _by_name(default: Any) -> Any:
    named = inspect.isclass(default) or inspect.isroutine(default)
    return _Name(default.__name__) if named and default is not inspect.Parameter.empty else default


def _doc(value: Any) -> str:
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    own = value.__doc__ if inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, property) else ""
    return re.sub(r":param (\w+): ", r"- `\1`: ", inspect.cleandoc(own or ""))


def _cell(doc: str) -> str:
    return " ".join(doc.split()).replace("|", "\\|")
