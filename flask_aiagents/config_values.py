"""Convert and check the value of each setting: what is wrong with it, and the form that it should have."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from .errors import ConfigurationError

PREFIX = "AIAGENTS_"
"""How the key of every setting begins."""

MAY_BE_ZERO = frozenset({"maintenance_interval_s", "role_cache_s", "statement_timeout_s"})
"""Times in seconds for which 0 has a meaning; a timeout of 0 would let nothing pass."""

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", "", "none"})

_PRICE_PARTS = (
    *("input", "output", "cached", "cache_write", "cache_write_1h", "reasoning", "input_audio", "output_audio"),
)
_PRICE_KEYS = (*_PRICE_PARTS, *(f"long_{part}" for part in _PRICE_PARTS), "long_context")
_PRICE_FORM = (
    'Write {"provider:model": {"input": "0.15", "output": "0.60"}}, in USD a million tokens; '
    "docs/configuration.md lists the optional parts."
)

_FORMS = {
    "prices": _PRICE_FORM,
    "log_retention_days": 'Write a number of days such as 365, or {"execute": 90, "*": 365} by action.',
    "default_model": "Write it as provider:model, for example openai:gpt-4o-mini.",
    "url_prefix": "Write a path such as /api.",
    "admin_url": "Write a path such as /aiagents, or leave it empty for no panel.",
    "allowed_hosts": "Write host names or addresses without a scheme, separated by commas.",
    "trusted_origins": "Write origins such as https://gateway.example.com, separated by commas.",
    "rate_limit_storage_uri": "Write memory:// or redis://host:6379/0.",
}


def converted(name: str, default: Any, value: Any) -> Any:
    """The value of the setting ``name``; strings are converted, so that environment variables serve.

    :raises ConfigurationError: naming the setting and its form.
    """
    try:
        return _checked(name, default, value)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"AIAGENTS_{name.upper()}: {error}.", hint=_FORMS.get(name) or _form(name, default)
        ) from error


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keys of ours that do not exist: a mistyped one would have no effect.

    :raises ConfigurationError: with the nearest known key.
    """
    names = {key.removeprefix(PREFIX): key for key in known}
    for key in sorted(set(given) - set(names.values())):
        near = get_close_matches(key.removeprefix(PREFIX), names, n=1)
        raise ConfigurationError(
            f"{key} is not a setting.",
            hint=f"Did you mean {names[near[0]]}?" if near else "docs/configuration.md lists all settings.",
        )


def _checked(name: str, default: Any, value: Any) -> Any:
    match name, default:
        case "prices", _:
            return _prices(json.loads(value) if isinstance(value, str) else value)
        case "log_retention_days", _:
            return _days(json.loads(value) if isinstance(value, str) else value or 0)
        case _, tuple():
            return _list(name, value)
        case _, bool():
            return _switch(value)
        case _, int() | float():
            return _number(name, default, value)
        case _:
            return _text(name, default, value)


def _number(name: str, default: float, value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    number = type(default)(value)
    if not math.isfinite(number) or (isinstance(value, float) and number != value):
        raise ValueError(f"{value!r} is not {'an integer' if type(default) is int else 'a finite number'}")
    least_is_zero = name in MAY_BE_ZERO or not name.endswith(("_s", "_bytes"))
    if number < 0 or (number == 0 and not least_is_zero):
        raise ValueError(f"{value!r} is too small")
    return number


def _form(name: str, default: Any) -> str:
    if isinstance(default, bool):
        return "Write true or false."
    if isinstance(default, int | float):
        kind = "an integer" if isinstance(default, int) else "a number"
        zero = name in MAY_BE_ZERO or not name.endswith(("_s", "_bytes"))
        return f"Write {kind} of {'0 or more' if zero else 'more than 0'}, for example {default:g}."
    return "Write text." if not isinstance(default, tuple) else "Write a list of texts, separated by commas."


def _text(name: str, default: Any, value: Any) -> str | None:
    if value is None and default is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    if name in ("url_prefix", "admin_url") and value and not value.startswith("/"):
        raise ValueError(f"{value!r} does not begin with /")
    if name == "rate_limit_storage_uri" and "://" not in value:
        raise ValueError(f"{value!r} is not a URI")
    if name == "default_model" and not all(value.partition(":")[::2]):
        raise ValueError(f"{value!r} does not name a provider and a model")
    return value


def _list(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    found = tuple(value)
    for item in found:
        if not isinstance(item, str):
            raise ValueError(f"{item!r} is not text")
        if name == "allowed_hosts" and "/" in item:
            raise ValueError(f"{item!r} is not a host")
        if name == "trusted_origins" and "://" not in item:
            raise ValueError(f"{item!r} is not an origin")
    return found


def _switch(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither true nor false")
    return word in _TRUE


def _days(value: Any) -> dict[str, int]:
    days = dict(value) if isinstance(value, Mapping) else {"*": value}
    if wrong := [count for count in days.values() if type(count) is not int or count < 0]:
        raise ValueError(f"{wrong[0]!r} is not a number of days")
    return days


def _prices(value: Any) -> Mapping[str, Mapping[str, str]] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is not an object")
    for model, price in value.items():
        if not isinstance(model, str) or not all(model.partition(":")[::2]):
            raise ValueError(f"{model!r} does not name a provider and a model")
        _check_price(model, price)
    return value


def _check_price(model: str, price: Any) -> None:
    if not isinstance(price, Mapping):
        raise ValueError(f"{price!r} is not the price of {model}")
    if unknown := [key for key in price if key not in _PRICE_KEYS]:
        raise ValueError(f"{model} has the unknown key {unknown[0]!r}")
    if missing := [key for key in ("input", "output") if key not in price]:
        raise ValueError(f"{model} has no price for {missing[0]!r}")
    for key, amount in price.items():
        if not _is_amount(amount) or (key == "long_context" and not str(amount).isdecimal()):
            raise ValueError(f"{amount!r} is not a price: {key} of {model}")


def _is_amount(amount: Any) -> bool:
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return False
    return not isinstance(amount, bool) and number.is_finite() and number >= 0
