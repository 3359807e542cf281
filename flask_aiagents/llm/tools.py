"""Tools: a host's functions, described to models by their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from ..errors import ConfigurationError
from ..types import JSON, JSONObject
from .messages import Tool
from .signatures import Arguments, UnusableType, is_plain

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class ToolSpec:
    """One function as a tool.

    The schema is made when it is first needed, since pydantic is slow to import; at once where there may be none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", "")
        self._signature = inspect.signature(function)
        self._docs = inspect.cleandoc(function.__doc__ or "")
        self._types = self._checked_types()
        if not all(map(is_plain, self._types.values())):
            self._check_schema()

    def bind(self, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Tool:
        """The tool for one call; ``wrap`` may put its function into the call's surroundings."""
        function = wrap(self.function)

        def run(arguments: JSONObject) -> JSON:
            return self._jsonable(function(**self._arguments.validated(arguments)))

        return Tool(name=self.name, description=self.description, parameters=self.parameters, function=run)

    @cached_property
    def description(self) -> str:
        """What the docstring says before it comes to the parameters."""
        return re.split(r"\n\s*\n|\n\s*(?:Args:|:param )", self._docs)[0].strip() or self.name.replace("_", " ")

    @cached_property
    def parameters(self) -> JSONObject:
        """JSON Schema of the arguments."""
        return self._arguments.schema(_parameter_docs(self._docs))

    @cached_property
    def _arguments(self) -> Arguments:
        defaults = {
            name: parameter.default
            for name, parameter in self._signature.parameters.items()
            if parameter.default is not parameter.empty
        }
        return Arguments(self.name, self._types, defaults)

    def _check_schema(self) -> None:
        try:
            _ = self.parameters
        except UnusableType as error:
            hint = "Use types that JSON has, dataclasses, TypedDicts, Literals or Annotated"
            raise _unusable(self.name, f"its parameters have no JSON Schema ({error})", hint) from error

    def _jsonable(self, value: Any) -> JSON:
        from pydantic_core import to_jsonable_python  # heavy

        return to_jsonable_python(value, inf_nan_mode="strings", fallback=str)

    def _checked_types(self) -> Mapping[str, Any]:
        if not _NAME.fullmatch(self.name):
            raise _unusable(self.name, "it has no name that a model could call", "Write a named function")
        if inspect.iscoroutinefunction(self.function):
            raise _unusable(self.name, "it is async", "Write a plain function; each call has a thread of its own")
        try:
            hints = typing.get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise _unusable(
                self.name, f"an annotation is unknown ({error})", "Import its type at runtime"
            ) from error
        for name, parameter in self._signature.parameters.items():
            if parameter.kind not in _KINDS:
                raise _unusable(self.name, f"{parameter} cannot be named by a model", "Write plain parameters")
            if name.startswith("_"):
                raise _unusable(self.name, f"the parameter {name!r} is private", "Name it without an underscore")
            if name not in hints:
                raise _unusable(self.name, f"the parameter {name!r} has no annotation", f"Write {name}: str, say")
        return {name: hints[name] for name in self._signature.parameters}


def tool_from_function(function: Callable[..., Any]) -> ToolSpec:
    """A tool out of a function; its signature becomes the schema, its docstring the description.

    :raises ConfigurationError: when the signature says too little for a schema.
    """
    return ToolSpec(function)


class ToolRegistry:
    """The tools that a host registered, by name."""

    def __init__(self) -> None:
        self._specs: dict[str, ToolSpec] = {}

    def register(self, function: Callable[..., Any]) -> ToolSpec:
        """Add a function; registering the same one again changes nothing.

        :raises ConfigurationError: when another function has the name, or the signature is unusable.
        """
        spec = tool_from_function(function)
        known = self._specs.setdefault(spec.name, spec)
        if known.function is not function:
            raise ConfigurationError(
                f"There is a tool {spec.name!r} already.", hint="Rename one of the two functions."
            )
        return known

    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(sorted(self._specs))

    def descriptions(self) -> dict[str, str]:
        """What each tool is for, by its name, sorted."""
        return {name: self._specs[name].description for name in self.names()}

    def bind(self, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda f: f) -> Tool:
        """The tool of this name for one call. :raises KeyError: when there is none."""
        return self._specs[name].bind(wrap)

    def __contains__(self, name: object) -> bool:
        return name in self._specs


def _parameter_docs(docs: str) -> dict[str, str]:
    """What the docstring says of each parameter, in the style of Sphinx or of Google."""
    found = dict(re.findall(r"^:param (?:\w+ )?(\w+): *(.+)$", docs, re.MULTILINE))
    if args := re.search(r"^Args:\n((?:[ \t]+.*\n?)+)", docs, re.MULTILINE):
        found |= dict(re.findall(r"^[ \t]+(\w+)(?: ?\([^)]*\))?: *(.+)$", args.group(1), re.MULTILINE))
    return found


def _unusable(name: str, why: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"The function {name!r} cannot be a tool: {why}.", hint=f"{hint}.")
