"""Which of all rows are asked for, and which sums tell enough of them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.ids import USER_LENGTH, known_id
from ...core.tenancy import Scope
from ...errors import BadRequest
from ...types import Id
from ..activity.models import ActivityLog, LogStatus, Source
from ..agents.service import no_agent
from .levels import LEVELS, ROLLED, level_for
from .models import Usage

ALWAYS = ("status", "error", "source")
"""The columns by which rows are apart at every level."""

SAME = ("tenant_id", "agent_id", "user_id", "provider", "model", "action", *ALWAYS)
"""The columns that rows of one form have in common, and that tell them apart."""

SOURCES = ("all", Source.SYSTEM.value, Source.CLIENT.value)
"""Sources that can be asked for. Rows of unknown source count under ``all`` alone."""

Model = type[Usage] | type[ActivityLog]

Nulls = tuple[tuple[tuple[str, bool], ...], ...]
"""The columns of some values, and whether these are None."""


@dataclass(frozen=True, slots=True)
class Only:
    """What of all that the session's scope sees is asked for."""

    agent_ids: Sequence[UUID] | None = None
    user_id: str | None = None
    source: str | None = None
    """None for all sources, those that are unknown included."""
    failed: bool = False
    among: Sequence[Mapping[str, Any]] | None = None
    """Rows that have all the values of one of these."""

    @classmethod
    def of(cls, agent_id: Id | None, user_id: str | None, source: str = "all") -> Only:
        """Narrow to one agent, one user and one source; None, or ``all``, does not narrow.

        :raises BadRequest: for what is no user's id, and for an unknown source.
        :raises NotFound: for what is no agent's id.
        """
        if user_id is not None and (not 0 < len(user_id) <= USER_LENGTH or "\x00" in user_id):
            raise BadRequest(f"user_id={user_id[:40]!r} is no id.", hint="Leave it out for all users.")
        if source not in SOURCES:
            raise BadRequest(f"source={source[:30]} is not understood.", hint=f"Use one of {', '.join(SOURCES)}.")
        agent_ids = None if agent_id is None else [known_id(agent_id, no_agent)]
        return cls(agent_ids, user_id, None if source == "all" else source)

    def among_these(self, values: Sequence[Mapping[str, Any]]) -> Only:
        """Of these, the rows that have all the values of one."""
        return replace(self, among=_padded(sorted(values, key=_none_in)))


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class Which:
    """Which rows are meant, but for the values that say whose: what differs in these alone is one statement."""

    level: str
    columns: tuple[str, ...]
    """What is told apart."""
    all_actions: bool
    """Whether all that was logged counts, and not executions alone."""
    named: frozenset[str]
    """Which of :func:`values_of` there are."""
    failed: bool
    among: Nulls | None
    """Of each of :attr:`Only.among` the columns, and whether they are None."""

    @property
    def grains(self) -> tuple[str, ...]:
        """Those in which the sums are kept, the longest first."""
        return ROLLED[self.level]

    def conditions(self, model: Model) -> Iterator[sa.ColumnElement[bool]]:
        """All but the time."""
        yield ActivityLog.status != LogStatus.RUNNING.value if model is ActivityLog else Usage.level == self.level
        if not self.all_actions and (model is ActivityLog or "action" in LEVELS[self.level]):
            yield model.action == "execute"
        yield from self._of(model)
        if self.failed:
            yield model.status != LogStatus.SUCCESS.value
        if self.among is not None:
            yield _among(model, self.among)

    def _of(self, model: Model) -> Iterator[sa.ColumnElement[bool]]:
        """Whose they are. The session's scope is said once more: so it does not depend on guards alone."""
        if "tenant" in self.named:
            yield model.tenant_id == sa.bindparam("tenant")
        if "owner" in self.named:
            yield model.user_id == sa.bindparam("owner")
        if "agents" in self.named:
            yield model.agent_id.in_(sa.bindparam("agents", expanding=True))
        if "user" in self.named:
            yield model.user_id == sa.bindparam("user")
        if "source" in self.named:
            yield model.source == sa.bindparam("source")


def which(scope: Scope, dimensions: Set[str], only: Only) -> Which:
    """The rows that a scope sees and that are asked for, apart by ``dimensions``."""
    needed = {
        *dimensions,
        *(["provider"] if "model" in dimensions else []),
        *(["tenant"] if not scope.system else []),
        *(["agent"] if only.agent_ids is not None or scope.agent_ids is not None else []),
        *(["user"] if scope.user_id or only.user_id is not None else []),
    }
    return Which(
        level=level_for(needed),
        columns=tuple(name for name in SAME if name.removesuffix("_id") in needed),
        all_actions="action" in dimensions,
        named=frozenset(_whose(scope, only)),
        failed=only.failed,
        among=None if only.among is None else _nulls(only.among),
    )


def values_of(scope: Scope, only: Only) -> dict[str, Any]:
    """The values of the parameters in :meth:`Which.conditions`."""
    among = only.among or ()
    by_number = {_parameter(at, name): value for at, values in enumerate(among) for name, value in values.items()}
    return (
        _whose(scope, only) | by_number | {"among": [value for value in by_number.values() if value is not None]}
    )


def _whose(scope: Scope, only: Only) -> dict[str, Any]:
    whose = {
        "tenant": scope.tenant_id,
        "owner": scope.user_id,
        "agents": _agents(scope, only),
        "user": only.user_id,
        "source": only.source,
    }
    return {name: value for name, value in whose.items() if value is not None}


def _agents(scope: Scope, only: Only) -> list[UUID] | None:
    if only.agent_ids is None:
        return None if scope.agent_ids is None else sorted(scope.agent_ids)
    return [id_ for id_ in only.agent_ids if scope.agent_ids is None or id_ in scope.agent_ids]


def _none_in(values: Mapping[str, Any]) -> list[bool]:
    return [value is None for value in values.values()]


def _padded(values: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """As many as a power of two, the last one repeated: so that few statements serve all numbers of values."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values)) if values else values


def _nulls(among: Sequence[Mapping[str, Any]]) -> Nulls:
    pairs = [tuple((name, value is None) for name, value in values.items()) for values in among]
    # Of one column it matters only whether None is among the values: so one statement serves any number of them.
    return tuple(dict.fromkeys(pairs) if all(len(pair) == 1 for pair in pairs) else pairs)


def _among(model: Model, among: Nulls) -> sa.ColumnElement[bool]:
    names = {name for pairs in among for name, _ in pairs}
    if len(names) != 1:
        return sa.or_(sa.false(), *(_has(model, number, pairs) for number, pairs in enumerate(among)))
    # One list, for which an index is looked up value by value; of alternatives all rows of the time are read.
    column = getattr(model, names.pop())
    listed = column.in_(sa.bindparam("among", expanding=True))
    return sa.or_(listed, column.is_(None)) if ((column.key, True),) in among else listed


def _has(model: Model, number: int, pairs: tuple[tuple[str, bool], ...]) -> sa.ColumnElement[bool]:
    columns = ((getattr(model, name), _parameter(number, name), is_none) for name, is_none in pairs)
    return sa.and_(
        *(column.is_(None) if is_none else column == sa.bindparam(key) for column, key, is_none in columns)
    )


def _parameter(number: int, name: str) -> str:
    return f"among{number}_{name}"
