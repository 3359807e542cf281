"""What clients record of their own activity: thousands at once, each one checked, all kept or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.clock import uuid7, uuid7_time
from ...core.columns import PICO
from ...core.principal import Principal
from ...core.tenancy import TenantSession
from ...errors import AIAgentsError, Invalid
from ...types import JSONObject
from ...web.schema import load
from ..agents.models import Agent
from .models import LogStatus, Source
from .payload import bounded, clipped
from .schemas import COUNTS, ENDED, MOST, TEXTS, ActivityLogSchema

MAX_ITEMS = 10_000
"""Most logs of one request."""

_SCHEMA = ActivityLogSchema()


def checked_one(data: Any) -> JSONObject:
    """The values of one item.

    :raises Invalid: with ``details`` by field.
    """
    return load(_SCHEMA, data)


def checked(data: Sequence[Any]) -> list[JSONObject]:
    """The values of each item.

    :raises Invalid: with ``details`` by item number and field.
    """
    if not 0 < len(data) <= MAX_ITEMS:
        raise Invalid(
            f"Send 1 to {MAX_ITEMS} activity logs at once, not {len(data)}.", hint="Send several requests."
        )
    loaded, wrong = [], {}
    for number, item in enumerate(data):
        try:
            loaded.append(at_a_glance(item) or load(_SCHEMA, item))
        except AIAgentsError as error:
            wrong[number] = error.details
    if wrong:
        raise Invalid(f"{len(wrong)} of {len(data)} activity logs are wrong, so none was kept.", details=wrong)
    return loaded


def at_a_glance(item: Any) -> JSONObject | None:
    """The values of a plainly valid item, else None, and the schema judges: it is the rule, this its fast half."""
    if type(item) is not dict or item.get("action") is None or item.get("status", "") is None:
        return None
    try:
        return {name: None if value is None else _READERS[name](value) for name, value in item.items()}
    except (KeyError, TypeError, ValueError):
        return None


def _action(value: Any) -> str:
    if type(value) is str and _ACTION(value):
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
    if (type(value) is int or type(value) is float) and 0 <= value < 10**7:
        return Decimal(str(value)).quantize(PICO)
    raise ValueError


_ACTION = re.compile(r"[a-z][a-z0-9_.:-]{0,63}").fullmatch
_AMOUNT = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,12})?").fullmatch
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


def rows(session: TenantSession, items: Sequence[JSONObject], principal: Principal) -> list[JSONObject]:
    """The rows to insert, with who did it and the names of the agents as they are now.

    :raises Invalid: when an item names an agent that the principal cannot see.
    """
    names = _agent_names(session, items)
    wrong = {number: _absent(item) for number, item in enumerate(items) if item.get("agent_id") not in names}
    if wrong:
        raise Invalid("Some activity logs name agents that do not exist, so none was kept.", details=wrong)
    return [_row(item, names, principal) for item in items]


def row(session: TenantSession, item: JSONObject, principal: Principal) -> JSONObject:
    """The row of one item.

    :raises Invalid: when it names an agent that the principal cannot see.
    """
    names = _agent_names(session, [item])
    if item.get("agent_id") not in names:
        raise Invalid("The activity log names an agent that does not exist.", details=_absent(item))
    return _row(item, names, principal)


def _absent(item: JSONObject) -> JSONObject:
    return {"agent_id": [f"There is no agent {item['agent_id']}."]}


def _agent_names(session: TenantSession, items: Sequence[JSONObject]) -> Mapping[UUID | None, str | None]:
    wanted = list({item["agent_id"] for item in items if item.get("agent_id")})
    found: dict[UUID | None, str | None] = {None: None}
    for start in range(0, len(wanted), 500):
        part = sa.select(Agent.id, Agent.name).where(Agent.id.in_(wanted[start : start + 500]))
        found |= {row.id: row.name for row in session.execute(part)}
    return found


def _row(item: JSONObject, names: Mapping[UUID | None, str | None], principal: Principal) -> JSONObject:
    """Every column that lists show, in their order: the row is also the answer."""
    get, log_id = item.get, uuid7()
    agent_id, cost, tokens = get("agent_id"), get("cost_usd"), get("tokens_used")
    return {
        "id": log_id,
        "agent_id": agent_id,
        "agent_name": names[agent_id],
        "user_id": principal.user_id,
        "tenant_id": principal.tenant_id,
        "action": item["action"],
        "source": Source.CLIENT.value,
        "request_data": bounded(get("request_data")),
        "response_data": bounded(get("response_data")),
        "duration_ms": get("duration_ms"),
        "tokens_used": tokens,
        "input_tokens": get("input_tokens"),
        "output_tokens": get("output_tokens"),
        "cached_tokens": get("cached_tokens"),
        "provider": clipped(get("provider"), 64),
        "model": clipped(get("model"), 255),
        "cost_usd": cost,
        "unpriced": cost is None and bool(tokens),
        "attempts": None,
        "finish_reason": clipped(get("finish_reason"), 64),
        "status": get("status", LogStatus.SUCCESS.value),
        "error": clipped(get("error"), 64),
        "created_at": uuid7_time(log_id),
    }
