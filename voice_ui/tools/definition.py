"""`@tool`: a plain function becomes something the model may call. Pure."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable
from copy import copy
from functools import update_wrapper
from typing import Any, overload

from voice_ui.tools import docstring
from voice_ui.tools.context import ToolContext
from voice_ui.tools.refusals import InvalidArguments, NotATool, refuse

TIMEOUT_SECONDS = 30.0
"""Default; the user hears nothing while a call runs."""

LONGEST_ARGUMENTS = 100_000
"""Characters. Far beyond what a model writes in one call."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What OpenAI allows as the name of a function."""


class Tool:
    """A function with what the model has to know about it. Called as a function, it is the function."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        description: str,
        schema: dict[str, Any],
        check: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        context: tuple[str, ...] = (),
        approve: bool = False,
        timeout: float = TIMEOUT_SECONDS,
        takes_dict: bool = False,
    ) -> None:
        """Describe a function.

        `check` takes in what the model sent and raises InvalidArguments; `context` names the parameters that get a
        ToolContext; a function that `takes_dict` has one parameter, for all that the model sent.
        """
        self.function, self.name, self.description, self.schema = function, name, description, schema
        self.approve = approve
        """Whether a person has to approve each call."""
        self.timeout = timeout
        """Seconds that a call may take."""
        self._check, self._context, self._takes_dict = check, context, takes_dict

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    def renamed(self, name: str) -> Tool:
        """Return the same tool under another name."""
        other = copy(self)
        other.name = name
        return other

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop, not in a thread."""
        return inspect.iscoroutinefunction(self.function)

    def to_wire(self) -> dict[str, Any]:
        """Return its entry in the `tools` of a session."""
        return {"type": "function", "name": self.name, "description": self.description, "parameters": self.schema}

    def read(self, arguments: str) -> dict[str, Any]:
        """Return what a model wrote as the arguments of the function; raises InvalidArguments."""
        if len(arguments) > LONGEST_ARGUMENTS:
            raise InvalidArguments(f"they are longer than {LONGEST_ARGUMENTS:,} characters")
        try:
            given = json.loads(arguments or "{}", parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidArguments("they are not valid JSON") from error
        if not isinstance(given, dict | None):
            raise InvalidArguments("they are not a JSON object")
        return self._check(given or {})

    def call(self, arguments: dict[str, Any], context: ToolContext) -> Any:
        """Call the function with what `read` returned."""
        if self._takes_dict:
            return self.function(arguments)
        return self.function(**arguments, **dict.fromkeys(self._context, context))


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, approve: bool = False, timeout: float = TIMEOUT_SECONDS
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    approve: bool = False,
    timeout: float = TIMEOUT_SECONDS,
) -> Any:
    """Let the model call a function. Its type hints become the JSON schema, its docstring the description.

        @tool
        def weather(town: Annotated[str, Field(description="Without the country")], days: int = 1) -> str:
            "Return the weather forecast of a town."

    :param name: what the model calls it, if not by the function's own name
    :param approve: whether the user must approve each call
    :param timeout: seconds after which a call is cancelled

    A function that is not async runs in a thread. A parameter annotated `ToolContext` receives the running session.
    Raises ToolError if the function cannot be a tool.
    """
    if function is None:
        return lambda function: _define(function, name, approve, timeout)
    return _define(function, name, approve, timeout)


def _define(function: Callable[..., Any], name: str | None, approve: bool, timeout: float) -> Any:
    try:
        return _made(function, name, approve, timeout)
    except NotATool as error:
        reason = str(error)
    refuse(function, reason)
    return function


def _made(function: Callable[..., Any], name: str | None, approve: bool, timeout: float) -> Tool:
    if isinstance(function, Tool):
        raise NotATool("it is one already")
    if not inspect.isroutine(function):
        raise NotATool(f"it is not a function but of type {type(function).__name__}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise NotATool("it is a generator; return a list instead")
    name = function.__name__ if name is None else name
    if not _NAME.fullmatch(name):
        raise NotATool(f"its name {name!r} must be 1 to 64 ASCII letters, digits, _ or -; set one with name=")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise NotATool(f"timeout={timeout!r} must be a positive number of seconds")
    from voice_ui.tools.schema import Parameters  # loads pydantic, which only tools need

    description, descriptions = docstring.read(function.__doc__)
    if not description:
        raise NotATool("it has no docstring, which tells the model what it does")
    parameters = Parameters(function, descriptions)
    made = Tool(
        function,
        name=name,
        description=description,
        schema=parameters.schema,
        check=parameters.check,
        context=parameters.context,
        approve=approve,
        timeout=float(timeout),
    )
    update_wrapper(made, function, updated=())
    made.__wrapped__ = function  # type: ignore[attr-defined]
    return made


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
