"""Which of all rows are asked for, and which sums tell enough of them apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ...core.tenancy import Scope, TenantSession
from ...errors import BadRequest
from ..activity.models import ActivityLog, LogStatus
from .levels import LEVELS, ROLLED, level_for
from .models import Usage

_USER_LENGTH = 255

SAME = ("tenant_id", "agent_id", "user_id", "provider", "model", "action", "status", "error")
"""The columns that rows of one form have in common, and that tell them apart."""

Model = type[Usage] | type[ActivityLog]


@dataclass(frozen=True, slots=True)
class Only:
    """What of all that the session's scope sees is asked for."""

    agent_ids: Sequence[UUID] | None = None
    user_id: str | None = None
    failed: bool = False
    among: Sequence[Mapping[str, Any]] | None = None
    """Rows that have all the values of one of these."""

    @classmethod
    def of(cls, agent_id: UUID | None, user_id: str | None) -> Only:
        """One agent and one user, or with None each.

        :raises BadRequest: for what is no user's id.
        """
        if user_id is not None and (not 0 < len(user_id) <= _USER_LENGTH or "\x00" in user_id):
            raise BadRequest(f"user_id={user_id[:40]!r} is no id.", hint="Leave it out for all users.")
        return cls(None if agent_id is None else [agent_id], user_id)

    def among_these(self, values: Sequence[Mapping[str, Any]]) -> Only:
        """Of these, the rows that have all the values of one."""
        return replace(self, among=values)


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class Which:
    """Which rows are meant, as sums or as logs."""

    scope: Scope
    only: Only
    level: str
    columns: tuple[str, ...]
    """What is told apart."""
    all_actions: bool
    """Whether all that was logged counts, and not executions alone."""

    @property
    def grain(self) -> str:
        """The finest in which the sums are kept."""
        return ROLLED[self.level][-1]

    def conditions(self, model: Model) -> Iterator[sa.ColumnElement[bool]]:
        """All but the time."""
        yield ActivityLog.status != LogStatus.RUNNING.value if model is ActivityLog else Usage.level == self.level
        if not self.all_actions and (model is ActivityLog or "action" in LEVELS[self.level]):
            yield model.action == "execute"
        yield from self._mine(model)
        yield from self._asked(model)

    def _mine(self, model: Model) -> Iterator[sa.ColumnElement[bool]]:
        """The session's scope once more: said here, it does not depend on what guards can reach."""
        if not self.scope.system:
            yield model.tenant_id == self.scope.tenant_id
        if self.scope.user_id is not None:
            yield model.user_id == self.scope.user_id

    def _asked(self, model: Model) -> Iterator[sa.ColumnElement[bool]]:
        if self.only.agent_ids is not None:
            yield model.agent_id.in_(self.only.agent_ids)
        if self.only.user_id is not None:
            yield model.user_id == self.only.user_id
        if self.only.failed:
            yield model.status != LogStatus.SUCCESS.value
        if self.only.among is not None:
            yield sa.or_(sa.false(), *(_has(model, values) for values in self.only.among))


def which(session: TenantSession, dimensions: Set[str], only: Only) -> Which:
    """The rows that the session's scope sees and that are asked for, apart by ``dimensions``."""
    scope = session.scope
    needed = {
        *dimensions,
        *(["provider"] if "model" in dimensions else []),
        *(["tenant"] if not scope.system else []),
        *(["agent"] if only.agent_ids is not None else []),
        *(["user"] if scope.user_id or only.user_id is not None else []),
    }
    columns = tuple(name for name in SAME if name.removesuffix("_id") in needed)
    return Which(scope, only, level_for(needed), columns, all_actions="action" in dimensions)


def _has(model: Model, values: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    pairs = [(getattr(model, name), value) for name, value in values.items()]
    return sa.and_(*(column.is_(None) if value is None else column == value for column, value in pairs))
