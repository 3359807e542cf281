"""The types of a function's parameters: their JSON Schema, and values that fit them."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from functools import cached_property, reduce
from operator import or_
from typing import Any

from ..types import JSON, JSONObject

_PLAIN = (str, int, float, bool, list, dict, types.NoneType, Any)
_PLAIN_ORIGINS = (list, dict, typing.Union, types.UnionType)


class ToolArgumentsError(ValueError):
    """The model's arguments do not fit the function."""


class UnusableType(TypeError):
    """A type that no JSON Schema can be made of."""


def is_plain(hint: Any) -> bool:
    """Return whether a type surely has a JSON Schema: JSON's own, lists, dicts and unions of it, literals."""
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return True
    return (
        hint in _PLAIN
        if origin is None
        else origin in _PLAIN_ORIGINS and all(map(is_plain, typing.get_args(hint)))
    )


class Arguments:
    """The parameters of one function. Any name will do, also those that pydantic keeps for its models."""

    def __init__(self, name: str, hints: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._name = name
        self._hints = hints
        self._defaults = defaults

    def schema(self, docs: Mapping[str, str]) -> JSONObject:
        """Return the JSON Schema, with what the docstring says of each parameter.

        :raises UnusableType: when there is none.
        """
        from pydantic.errors import PydanticUserError  # heavy

        try:
            schema = self._adapter.json_schema()
        except (PydanticUserError, TypeError, RecursionError) as error:
            raise UnusableType(str(error).partition("\n")[0]) from error
        properties = schema.setdefault("properties", {})
        for name, part in properties.items():
            part.pop("title", None)
            part |= {"description": docs[name]} if name in docs else {}
            if name in self._defaults and (default := _jsonable(self._defaults[name])) is not _NO_JSON:
                part["default"] = default
        return {key: value for key, value in schema.items() if key not in ("title", "description")}

    def validated(self, arguments: JSONObject) -> dict[str, Any]:
        """Return the arguments as the types say; what is left out is the function's default.

        :raises ToolArgumentsError: when they do not fit.
        """
        from pydantic import ValidationError  # heavy

        try:
            return self._adapter.validate_python(arguments)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
            raise ToolArgumentsError(wrong) from None

    @cached_property
    def _adapter(self) -> Any:
        import typing_extensions
        from pydantic import ConfigDict, TypeAdapter  # heavy

        fields = {name: _field(hint, name not in self._defaults) for name, hint in self._hints.items()}
        kind: Any = typing_extensions.TypedDict(self._name, fields)  # pyright: ignore
        kind.__pydantic_config__ = ConfigDict(extra="forbid")
        return TypeAdapter(kind)


_NO_JSON = object()


def _jsonable(default: Any) -> JSON | object:
    from pydantic_core import PydanticSerializationError, to_jsonable_python  # heavy

    try:
        return to_jsonable_python(default)
    except (PydanticSerializationError, ValueError):
        return _NO_JSON


def _portable(hint: Any) -> Any:
    """Return a type with its TypedDicts as pydantic takes them: before Python 3.12 not those of ``typing``."""
    import typing_extensions

    if typing_extensions.is_typeddict(hint):
        parts = typing.get_type_hints(hint, include_extras=True)
        fields = {name: _field(part, name in hint.__required_keys__) for name, part in parts.items()}
        return typing_extensions.TypedDict(hint.__name__, fields)  # pyright: ignore
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return typing.Annotated[(_portable(parts[0]), *hint.__metadata__)]
    if origin in (typing.Union, types.UnionType):
        return reduce(or_, map(_portable, parts))
    if origin in (list, dict, set, frozenset, tuple):
        inner = tuple(part if part is Ellipsis else _portable(part) for part in parts)
        return types.GenericAlias(origin, inner)
    return hint


def _field(hint: Any, required: bool) -> Any:
    """Return the type of a TypedDict's key, marked as required or not."""
    import typing_extensions

    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing.NotRequired):
        hint, required = typing.get_args(hint)[0], origin is typing.Required
    return (typing_extensions.Required if required else typing_extensions.NotRequired)[_portable(hint)]
