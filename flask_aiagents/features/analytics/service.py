"""Figures from the log, for whoever may know them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from ...core.clock import utcnow
from ...core.db import Database
from ...core.ids import known_id, parse_id
from ...core.principal import Principal
from ...core.tenancy import SYSTEM, TenantSession
from ...errors import Forbidden, NotFound
from ...types import Id, JSONObject
from ..access.policy import Permission
from ..access.service import Access
from ..agents.service import find_agent, no_agent
from . import reports, rollups
from .agent_figures import agent_figures
from .cached import REFRESH_BATCH, REFRESH_EVERY, due, refresh
from .costs import costs
from .names import agent_names
from .period import Period
from .reading import has_run
from .which import Only

TICK_S = 10
"""Seconds that one tick rolls up; what is left waits for the next, and is in the figures meanwhile."""

_LOOK_BACK = timedelta(days=30)
"""How far back a new process looks for agents that ran."""

_LONGEST_EXECUTION = timedelta(minutes=11)
"""A log carries the time of its start, so whoever looks for new ends looks back this far."""


class Analytics:
    """What agents did and cost, as far as the principal may know it: all of it for a super admin, one tenant's for
    its admin, one's own for a user.

    Executions that clients reported count, too, and each answer names them as ``client_reported``;
    ``source="system"`` or ``source="client"`` narrows to one source.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._db = database
        self._access = access
        self._looked: datetime | None = None

    def summary(
        self,
        period: Period,
        *,
        agent_id: Id | None = None,
        user_id: str | None = None,
        source: str = "all",
        principal: Principal | None = None,
    ) -> JSONObject:
        """Executions, success, tokens, cost, durations and errors in a period, and in the one before it.

        :param user_id: of this user alone; a user may ask for its own, of others it is told nothing.
        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        with self._reading(principal, agent_id) as session:
            return reports.summary(session, period, Only.of(agent_id, user_id, source))

    def timeseries(
        self,
        period: Period,
        *,
        step: str = "day",
        zone: str | None = None,
        agent_id: Id | None = None,
        user_id: str | None = None,
        source: str = "all",
        principal: Principal | None = None,
    ) -> list[JSONObject]:
        """The same figures by hour, day, week or month of a time zone; steps without executions are there, too.

        :param zone: by default the principal's own.
        :raises BadRequest: for an unknown step or zone, and for more than 1,000 steps.
        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        with self._reading(principal, agent_id) as session:
            return reports.timeseries(
                session,
                period,
                step,
                self.zone(principal) if zone is None else zone,
                Only.of(agent_id, user_id, source),
            )

    def usage(
        self,
        period: Period,
        *,
        by: str = "agent",
        top: int = 10,
        agent_id: Id | None = None,
        user_id: str | None = None,
        source: str = "all",
        principal: Principal | None = None,
    ) -> list[JSONObject]:
        """Who or what ran most: by agent, user, tenant, model, provider or action, the most executions first.

        :raises BadRequest: for another ``by``, and for a ``top`` that is not 1 to 200.
        :raises Forbidden: by tenant, for anyone but a super admin.
        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        principal = self._access.require(Permission.READ_ANALYTICS, principal)
        if by == "tenant" and not principal.is_super_admin:
            raise Forbidden("Only a super admin compares tenants.", hint="Ask by agent, user, model or provider.")
        with self._reading(principal, agent_id) as session:
            return reports.usage(session, period, by, top, Only.of(agent_id, user_id, source))

    def costs(
        self,
        period: Period,
        *,
        agent_id: Id | None = None,
        user_id: str | None = None,
        source: str = "all",
        top: int = 10,
        zone: str | None = None,
        principal: Principal | None = None,
    ) -> JSONObject:
        """What a period cost, by model and by agent, the dearest first; what has no known price is told apart.

        ``projection`` is of this month in the zone, whatever the period: what it has cost so far and, where each
        day that is left costs the mean of the last seven, what it will come to.

        :param zone: by default the principal's own.
        :raises BadRequest: for an unknown zone, and for a ``top`` that is not 1 to 200.
        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        with self._reading(principal, agent_id) as session:
            return costs(
                session,
                period,
                top,
                self.zone(principal) if zone is None else zone,
                Only.of(agent_id, user_id, source),
            )

    def errors(
        self,
        period: Period,
        *,
        agent_id: Id | None = None,
        user_id: str | None = None,
        source: str = "all",
        top: int = 50,
        principal: Principal | None = None,
    ) -> list[JSONObject]:
        """The kinds of errors, the most frequent first, each with the log of its last case.

        :raises BadRequest: for a ``top`` that is not 1 to 200.
        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        with self._reading(principal, agent_id) as session:
            return reports.errors(session, period, top, Only.of(agent_id, user_id, source))

    def of_tenants(
        self, period: Period, tenant_ids: Sequence[str], *, principal: Principal | None = None
    ) -> dict[str, JSONObject]:
        """Return the metrics of up to 200 tenants.

        :raises BadRequest: for more tenants.
        :raises Forbidden: for anyone but a super admin who acts for no tenant.
        """
        principal = self._access.require(Permission.READ_ANALYTICS, principal)
        if not principal.is_super_admin or principal.acting:
            raise Forbidden("Only a super admin compares tenants.", hint="Act for all tenants first.")
        with self._reading(principal) as session:
            return reports.of_tenants(session, period, tenant_ids)

    def weekly(self, agent_ids: Sequence[Id], *, principal: Principal | None = None) -> dict[UUID, JSONObject]:
        """The last seven days, in UTC and with today, of up to 200 agents at once; unknown ones have none.

        :raises BadRequest: for more agents.
        """
        with self._reading(principal) as session:
            return reports.weekly(session, [known for id_ in agent_ids if (known := parse_id(id_))])

    def agent_metrics(
        self,
        agent_id: Id,
        period: Period | None = None,
        *,
        source: str = "all",
        principal: Principal | None = None,
    ) -> JSONObject:
        """An agent's figures in a period, by default the last 30 days; of up to 10,000 executions whose logs are
        there the p95 is exact, of others within 5%.

        :raises NotFound: when the principal cannot see the agent.
        """
        with self._reading(principal) as session:
            agent = find_agent(session, agent_id)
            return agent_figures(session, agent.id, period or Period.recent(zone=self.zone(principal)), source)

    def agent_name(self, agent_id: Id, *, principal: Principal | None = None) -> str | None:
        """The name of an agent; of a deleted one the last that the log knows, None when its logs have left.

        :raises NotFound: when the principal sees neither the agent nor anything that it did.
        """
        with self._reading(principal, agent_id) as session:
            known = known_id(agent_id, no_agent)
            return agent_names(session, [known]).get(known)

    def zone(self, principal: Principal | None = None) -> str:
        """The principal's time zone, or UTC."""
        return self._access.require(Permission.READ_ANALYTICS, principal).time_zone or "UTC"

    @contextmanager
    def _reading(self, principal: Principal | None, agent_id: Id | None = None) -> Iterator[TenantSession]:
        principal = self._access.require(Permission.READ_ANALYTICS, principal)
        with self._db.reading(self._access.scope(principal), counted_for=principal) as session:
            if agent_id is not None:
                _require_known(session, agent_id)
            yield session

    def roll_up(self, *, seconds: float | None = TICK_S, tell: Callable[[int], None] | None = None) -> int:
        """Count what has ended into the rollups, as maintenance does; returns how many executions that were.

        :param seconds: when to stop; None goes on until none is left.
        :param tell: is told how many were counted so far.
        """
        size = rollups.BATCH if seconds is not None else rollups.LARGE_BATCH
        return rollups.roll_up(self._db, seconds=seconds, size=size, tell=tell)

    def rebuild(
        self, start: datetime, end: datetime, *, tell: Callable[[datetime, int | None], None] | None = None
    ) -> int:
        """Count the days, in UTC, that a period touches anew from the log, as when the sums are doubted.

        :param tell: is told each day and how many logs it has; None where some have been deleted, so that the sums
            of the day are all that is left and stay.
        """
        return rollups.rebuild(self._db, start, end, tell)

    def refresh_cached(self, now: datetime | None = None) -> int:
        """Take the cached figures of agents anew that ran since; returns how many.

        Touches neither an agent's version nor its ``updated_at``: figures are no change of the agent.
        """
        now = now or utcnow()
        since = (self._looked or now - _LOOK_BACK) - _LONGEST_EXECUTION
        with self._db.transaction(SYSTEM) as session:
            agent_ids = session.scalars(due(since, now - REFRESH_EVERY)).all()
            refresh(session, agent_ids, now)
        if len(agent_ids) < REFRESH_BATCH:
            self._looked = now
        return len(agent_ids)


def _require_known(session: TenantSession, agent_id: Id) -> None:
    try:
        find_agent(session, agent_id)
    except NotFound:
        if not has_run(session, known_id(agent_id, no_agent)):
            raise
