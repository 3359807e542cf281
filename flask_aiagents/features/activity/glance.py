"""The fast half of the rule what a client may record: most items are plainly valid, and there are thousands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from ...actions import SYSTEM_ACTIONS
from ...core.columns import PICO
from ...types import JSONObject
from .schemas import COUNTS, ENDED, MOST, TEXTS


def at_a_glance(item: Any) -> JSONObject | None:
    """The values of a plainly valid item, else None, and the schema judges: it is the rule, this its fast half."""
    if type(item) is not dict or item.get("action") is None or item.get("status", "") is None:
        return None
    try:
        return {name: None if value is None else _READERS[name](value) for name, value in item.items()}
    except (KeyError, TypeError, ValueError):
        return None


def _action(value: Any) -> str:
    if type(value) is str and _ACTION(value) and value not in SYSTEM_ACTIONS:
        return value
    raise ValueError


def _status(value: Any) -> str:
    if type(value) is str and value in _STATUSES:
        return value
    raise ValueError


def _count(value: Any) -> int:
    if type(value) is int and 0 <= value <= MOST:
        return value
    raise ValueError


def _text(value: Any, length: int) -> str:
    if type(value) is str and len(value) <= length:
        return value
    raise ValueError


def _agent_id(value: Any) -> UUID:
    if type(value) is str and len(value) == 36:
        return _uuid(value)
    raise ValueError


def _amount(value: Any) -> Decimal:
    if type(value) is str and _AMOUNT(value):
        return Decimal(value)
    if (type(value) is int or type(value) is float) and 0 <= value < 10**6:
        return Decimal(str(value)).quantize(PICO)
    raise ValueError


_ACTION = re.compile(r"[a-z][a-z0-9_.:-]{0,63}").fullmatch
_AMOUNT = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,12})?").fullmatch
_STATUSES = frozenset(ENDED)
_uuid = lru_cache(maxsize=1024)(UUID)

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "action": _action,
    "status": _status,
    "agent_id": _agent_id,
    "cost_usd": _amount,
    "request_data": lambda value: value,
    "response_data": lambda value: value,
    **dict.fromkeys(COUNTS, _count),
    **{name: partial(_text, length=length) for name, length in TEXTS.items()},
}
