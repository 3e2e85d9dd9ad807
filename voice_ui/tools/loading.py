"""`--tools FILE`: a Python file of the owner's, imported once, and the functions in it that are marked with `@tool`."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path

from voice_ui.errors import SettingsError
from voice_ui.tools.definition import Tool
from voice_ui.tools.refusals import collected

MODULE = "voice_ui_tools"
"""What the file is called as a module; its `.stem` may be that of another."""


def load(path: Path, source: str = "--tools") -> list[Tool]:
    """Import a file and return its tools, in the order in which they are defined.

    `source` names the setting. Raises SettingsError with a line for everything that is wrong.
    """
    if not path.is_file():
        raise SettingsError(f"{source}: there is no file {path}")
    name = MODULE
    while name in sys.modules:
        name += "_"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{source}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look it up
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # as for `python FILE`: it may import its neighbours
    with collected() as refused:
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[name]
            if isinstance(error, KeyboardInterrupt):
                raise
            raise SettingsError("\n".join([*refused, f"{source}: {_reason(error, path)}"])) from error
    if refused:
        raise SettingsError("\n".join(refused))
    tools = [each for each in vars(module).values() if isinstance(each, Tool)]
    tools = list(dict.fromkeys(tools))
    if not tools:
        raise SettingsError(f"{source}: {path} marks no function with @tool")
    names = [each.name for each in tools]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"{source}: {path} has two tools called {twice[0]!r}")
    return tools


def _reason(error: BaseException, path: Path) -> str:
    """Return where in the file an import failed, and why, in one line."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}:{error.lineno or 1}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    place = f"{path}:{frames[-1].lineno}" if frames else str(path)
    return f"{place}: {type(error).__name__}: {' '.join(str(error).split())}"
