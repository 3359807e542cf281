"""What clients record of their own activity: thousands at once, each one checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...actions import USAGE_ACTIONS
from ...core.clock import uuid7, uuid7_time
from ...core.principal import Principal
from ...core.tenancy import TenantSession
from ...errors import AIAgentsError, Forbidden, Invalid
from ...types import JSONObject
from ...web.schema import limited_advice, load
from ..agents.models import Agent
from .columns import COLUMNS
from .glance import at_a_glance
from .models import LogStatus, Source
from .payload import ALL_KB, Payloads
from .schemas import TEXTS, ActivityLogSchema

MAX_ITEMS = 10_000
"""Most logs of one request."""

MOST_TOLD = 100
"""Of how many wrong logs of one request it is told what is wrong with them."""

Refused = dict[int, JSONObject]
"""What is wrong with logs: by number, from 0, and by field."""

Agents = Mapping[UUID | None, tuple[str | None, int]]
"""Names of agents by their ids, and how many KB of payloads their logs keep; None is no agent."""

Word = Callable[[str, int], str | None]
"""What is kept of a word, in so many characters."""

PAYLOADS = ("request_data", "response_data")
TOKENS = ("tokens_used", "input_tokens", "output_tokens", "cached_tokens")

USAGE = (*TOKENS, "cost_usd")
"""Fields that report usage; so do actions of :data:`.USAGE_ACTIONS`."""

_SCHEMA = ActivityLogSchema()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of many logs."""

    items: list[JSONObject]
    """Those that were kept, in their order, as lists show them."""
    refused: Refused
    """What is wrong with the others."""

    def dump(self) -> JSONObject:
        """What a client is told: of every log that was refused its number, of the first ones why."""
        return {"items": self.items, "refused": list(self.refused), "errors": _told(self.refused)}


def checked_one(data: Any) -> JSONObject:
    """The values of one item.

    :raises Invalid: with ``details`` by field.
    """
    return load(_SCHEMA, data)


def checked(data: Sequence[Any]) -> tuple[list[JSONObject | None], Refused]:
    """The values of each item, None for a wrong one, and what is wrong with those.

    :raises Invalid: for none, or too many.
    """
    if not 0 < len(data) <= MAX_ITEMS:
        raise Invalid(
            f"Send 1 to {MAX_ITEMS} activity logs at once, not {len(data)}.", hint="Send several requests."
        )
    items: list[JSONObject | None] = []
    refused: Refused = {}
    with limited_advice():
        for number, item in enumerate(data):
            try:
                items.append(at_a_glance(item) or load(_SCHEMA, item))
            except AIAgentsError as error:
                items.append(None)
                refused[number] = error.details
    return items, refused


def refuse_usage(items: Sequence[JSONObject | None], refused: Refused, *, lenient: bool) -> None:
    """Refuse the items that report executions, tokens or costs, for a principal that may not report them.

    :param items: as :func:`checked` gives them, with what it refused, to which these are added if ``lenient``.
    :raises Forbidden: when there is any and ``lenient`` is not.
    """
    reports = {number: usage for number, item in enumerate(items) if item is not None and (usage := _usage(item))}
    if reports and not lenient:
        raise _no_reports(_told(reports))
    refused.update(reports)


def refuse_one(item: JSONObject) -> None:
    """Refuse a single item for the same reason.

    :raises Forbidden: when it reports usage.
    """
    if usage := _usage(item):
        raise _no_reports(usage)


def _usage(item: JSONObject) -> JSONObject:
    """Return the fields of an item that report usage, each with the reason why it is refused."""
    names = [name for name in USAGE if item.get(name)]
    names += ["action"] if item["action"] in USAGE_ACTIONS else []
    return {name: ["Reports usage, which needs the permission REPORT_USAGE."] for name in names}


def _no_reports(details: Any) -> Forbidden:
    return Forbidden(
        "You may not report executions, tokens or costs.",
        details=details,
        hint="Leave out what details names, or ask an admin of your tenant for a key that has REPORT_USAGE.",
    )


def recorded(
    session: TenantSession,
    items: Sequence[JSONObject | None],
    refused: Refused,
    principal: Principal,
    payloads: Payloads,
    *,
    lenient: bool,
) -> Recorded:
    """The rows to insert, with who did it and the names of the agents as they are now.

    :param items: as :func:`checked` gives them, with what it refused.
    :param lenient: pass over what is wrong, such as an agent that the principal cannot see.
    :raises Invalid: when something is wrong and ``lenient`` is not, and when everything is.
    """
    agents = _agents(session, [item for item in items if item is not None])
    for number, item in enumerate(items):
        if item is not None and item.get("agent_id") not in agents:
            refused[number] = _absent(item)
    if refused and (not lenient or len(refused) == len(items)):
        raise _refusal(refused, len(items))
    good = [item for number, item in enumerate(items) if item is not None and number not in refused]
    return Recorded(_rows(good, agents, principal, payloads), dict(sorted(refused.items())))


def row(session: TenantSession, item: JSONObject, principal: Principal, payloads: Payloads) -> JSONObject:
    """The row of one item.

    :raises Invalid: when it names an agent that the principal cannot see.
    """
    agents = _agents(session, [item])
    if item.get("agent_id") not in agents:
        raise Invalid("The activity log names an agent that does not exist.", details=_absent(item))
    return _rows([item], agents, principal, payloads)[0]


def _refusal(refused: Refused, number: int) -> Invalid:
    some = f" details tells of the first {MOST_TOLD}." if len(refused) > MOST_TOLD else ""
    return Invalid(
        f"{len(refused)} of {number} activity logs are wrong, so none was kept.{some}",
        details=_told(refused),
        hint="Mend those that details names by number; 'Prefer: handling=lenient' keeps the good ones.",
    )


def _told(refused: Refused) -> Refused:
    return dict(islice(sorted(refused.items()), MOST_TOLD))


def _absent(item: JSONObject) -> JSONObject:
    if (agent_id := item.get("agent_id")) is None:
        return {"agent_id": ["This API key is limited to agents; name one of them."]}
    return {"agent_id": [f"There is no agent {agent_id}."]}


def _agents(session: TenantSession, items: Sequence[JSONObject]) -> Agents:
    wanted = list({item["agent_id"] for item in items if item.get("agent_id")})
    limited = session.scope.agent_ids is not None
    found: dict[UUID | None, tuple[str | None, int]] = {} if limited else {None: (None, ALL_KB)}
    for start in range(0, len(wanted), 500):
        part = sa.select(Agent.id, Agent.name, Agent.log_payload_kb).where(
            Agent.id.in_(wanted[start : start + 500])
        )
        found |= {row.id: (row.name, row.log_payload_kb) for row in session.execute(part)}
    return found


def _rows(
    items: Sequence[JSONObject], agents: Agents, principal: Principal, payloads: Payloads
) -> list[JSONObject]:
    """Every column that lists show, in their order: a row is also the answer."""
    blank = _BLANK | {"user_id": principal.user_id, "tenant_id": principal.tenant_id}
    ids = uuid7.many(len(items))
    word = lru_cache(maxsize=1_024)(payloads.word)  # thousands of logs have few words
    return [_row(blank | item, log_id, agents, payloads, word) for item, log_id in zip(items, ids, strict=True)]


def _row(row: JSONObject, log_id: UUID, agents: Agents, payloads: Payloads, word: Word) -> JSONObject:
    row["id"], row["created_at"] = log_id, uuid7_time(log_id)
    row["agent_name"], payload_kb = agents[row["agent_id"]]
    parts = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    if row["tokens_used"] is None and parts:
        row["tokens_used"] = sum(parts)
    row["unpriced"] = row["cost_usd"] is None and any(row[name] for name in TOKENS)
    for name in PAYLOADS:
        if row[name] is not None:
            row[name] = payloads.kept(row[name], payload_kb)
    for name, length in TEXTS.items():
        if row[name] is not None:
            row[name] = word(row[name], length)
    return row


_BLANK: JSONObject = dict.fromkeys(COLUMNS.names) | {
    "source": Source.CLIENT.value,
    "status": LogStatus.SUCCESS.value,
}
