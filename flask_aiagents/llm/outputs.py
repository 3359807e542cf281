"""Structured output: parse what a model wrote and hold it against the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from re import _constants, _parser  # pyright: ignore[reportAttributeAccessIssue]  # the only reader of patterns
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from ..types import JSON, JSONObject
from .text import dump_json, parse_json, scrub

MOST_STEPS = 1_000_000
"""Steps that a schema's pattern may take on one text, at worst; it runs on the thread that serves all calls."""


class InvalidOutput(ValueError):
    """The model's text is not what the schema wants."""


def parse_output(text: str, schema: JSONObject) -> JSON:
    """The value that a model wrote.

    :raises InvalidOutput: when it is no JSON, or does not fit.
    """
    try:
        value = parse_json(text)
    except ValueError as error:
        raise InvalidOutput(f"it is not JSON ({error})") from None
    try:
        error = next(_validator(dump_json(schema)).iter_errors(value), None)
    except (Unresolvable, RecursionError, ValueError, TypeError):
        raise InvalidOutput("the schema cannot be applied to it") from None
    if error is not None:
        raise InvalidOutput(f"at {error.json_path}: {scrub(error.message)[:200]}")
    return value


@lru_cache(maxsize=128)
def _validator(schema: str) -> Draft202012Validator:
    # An empty registry: a $ref never makes us fetch anything.
    return _Validator(parse_json(schema), registry=Registry())


def _pattern(_: Any, pattern: str, text: JSON, __: Any) -> Iterator[ValidationError]:
    if not isinstance(text, str):
        return
    if _worst_steps(pattern, len(text)) > MOST_STEPS:
        yield ValidationError(f"the pattern {pattern!r} would take too long on {len(text)} characters")
    elif not re.search(pattern, text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


def _worst_steps(pattern: str, length: int) -> float:
    """A bound on the steps of the search: each repetition can try every length, nested ones far more."""
    repeats = list(_repeats(_parser.parse(pattern)))
    if any(nested for nested in repeats):
        return float("inf") if length > 20 else 2.0**length
    return float(max(length, 1)) ** (len(repeats) + 1)


def _repeats(parsed: Any, inside: bool = False) -> Iterator[bool]:
    """For each repetition in a pattern, whether it can match one text in many ways."""
    for kind, value in parsed:
        if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            yield inside
            yield from _repeats(value[2], inside=True)
        elif kind is _constants.BRANCH:
            if inside:
                yield True
            for branch in value[1]:
                yield from _repeats(branch, inside)
        elif kind is _constants.GROUPREF:
            yield True
        elif kind is _constants.SUBPATTERN:
            yield from _repeats(value[3], inside)
        elif kind in (_constants.ASSERT, _constants.ASSERT_NOT):
            yield from _repeats(value[1], inside)
