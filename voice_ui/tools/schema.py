"""The JSON schema of a function's parameters, and the check of what a model sends for them; by pydantic. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, NotRequired, cast, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from voice_ui.tools.context import ToolContext
from voice_ui.tools.refusals import InvalidArguments, NotATool

MOST_MISTAKES = 5
"""Reported to a model at once."""


class _Untitled(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # a title only repeats the name


class Parameters:
    """The parameters of one function, as a model sees them."""

    def __init__(self, function: Callable[..., Any], descriptions: dict[str, str]) -> None:
        """`descriptions` are from the docstring, by name. Raises NotATool."""
        fields: dict[str, Any] = {}
        context: list[str] = []
        for parameter, hint in _annotated(function):
            if _is_context(hint):
                context.append(parameter.name)
            else:
                fields[parameter.name] = _field(parameter, hint, descriptions.get(parameter.name))
        self.context = tuple(context)
        """Names of the parameters that receive a `ToolContext`."""
        kind = TypedDict("Arguments", fields)  # type: ignore[misc]  # its keys may have any name
        kind.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
            self.schema = self._adapter.json_schema(schema_generator=_Untitled)
        except Exception as error:  # of pydantic, and of whatever describes a type in its own way
            raise NotATool(_first_line(error).partition(". ")[0]) from error
        self.schema.pop("title", None)
        self.schema.setdefault("properties", {})

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as the types of the function; raises InvalidArguments."""
        try:
            return dict(self._adapter.validate_python(arguments))
        except ValidationError as error:
            raise InvalidArguments(_mistakes(error)) from error


def _annotated(function: Callable[..., Any]) -> list[tuple[inspect.Parameter, Any]]:
    try:
        signature = inspect.signature(function)
        unwrapped = inspect.unwrap(function)
        hints = get_type_hints(getattr(unwrapped, "__func__", unwrapped), include_extras=True)
    except NameError as error:
        raise NotATool(f"its type hints name {error.name!r}, which is not defined at the top of the module") from error
    except (TypeError, ValueError, AttributeError, SyntaxError) as error:
        raise NotATool(f"its parameters cannot be read: {_first_line(error)}") from error
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise NotATool(f"it takes any number of arguments ({parameter}); name each parameter")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise NotATool(f"its parameter {parameter.name} is positional-only; tools are called with names")
        if parameter.name not in hints:
            if parameter.name == "self":
                raise NotATool("it is a method without its object; pass tool(thing.method) instead")
            raise NotATool(f"its parameter {parameter.name} has no type hint")
        found.append((parameter, hints[parameter.name]))
    return found


def _is_context(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    kinds = get_args(hint) or (hint,)
    return any(isinstance(kind, type) and issubclass(kind, ToolContext) for kind in kinds)


def _field(parameter: inspect.Parameter, hint: Any, description: str | None) -> Any:
    """Return the annotation of one key; a description in the hint wins over the docstring's."""
    extra: dict[str, Any] = {}
    if description:
        hint = _described(hint, description)
    if parameter.default is parameter.empty:
        return hint
    try:
        extra["default"] = to_jsonable_python(parameter.default)
    except Exception:
        return NotRequired[hint]
    return NotRequired[Annotated[hint, Field(json_schema_extra=extra)]]


def _described(hint: Any, description: str) -> Any:
    # The outer Field wins, so a hint with a description of its own stays as it is.
    said = [getattr(each, "description", None) for each in getattr(hint, "__metadata__", ())]
    return hint if any(said) else Annotated[hint, Field(description=description)]


def _mistakes(error: ValidationError) -> str:
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    lines = []
    for mistake in mistakes[:MOST_MISTAKES]:
        place = ".".join(str(part) for part in cast(tuple[Any, ...], mistake["loc"]))
        lines.append(f"{place}: {mistake['msg']}")
    if len(mistakes) > MOST_MISTAKES:
        lines.append(f"and {len(mistakes) - MOST_MISTAKES} more")
    return "; ".join(lines)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
