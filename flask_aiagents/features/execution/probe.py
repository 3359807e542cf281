"""The test of a key: one minimal call that shows whether a model answers, and how fast.

It is logged as ``test`` and says nothing of what the model wrote: an address that somebody typed could answer
with the very key that it was sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from ...actions import Action
from ...core.clock import utcnow, uuid7
from ...core.db import Database
from ...core.principal import Principal
from ...core.slots import Slots
from ...core.tenancy import SYSTEM
from ...core.turns import end_turn
from ...errors import Conflict, Forbidden
from ...llm.engine import engine
from ...llm.messages import Call, Message, Target
from ...llm.outcome import Outcome
from ...llm.providers import PROVIDERS
from ...types import JSONObject
from ...web.schema import load
from ..access.policy import Permission
from ..access.service import Access
from ..activity.running import RunningLogs
from ..agents.configurations import effective, find_configured
from ..agents.models import Agent
from ..agents.schemas import Catalogue
from ..credentials.service import refuse_limited
from ..credentials.vault import Wanted
from .ledger import LEASE_GRACE
from .limiter import Limiter
from .plan import Planner
from .result import Probed, ended_values
from .schemas import ProbeSchema

PROBE_S = 20.0
"""Seconds that a test waits at most: a person is looking at it."""

PROBE_TOKENS = 16
"""Tokens that a test lets the model write; some models take no smaller bound."""

_ASKED = Message(role="user", content="Reply with the word OK.")


class Probe:
    """Tests keys, each test under one log."""

    def __init__(
        self,
        database: Database,
        access: Access,
        running: RunningLogs,
        planner: Planner,
        limiter: Limiter,
        slots: Slots,
    ) -> None:
        self._db = database
        self._access = access
        self._running = running
        self._planner = planner
        self._limiter = limiter
        self._slots = slots
        self._schema = ProbeSchema()
        self._schema.catalogue = Catalogue(planner.settings, planner.tools.names)

    def test(self, data: Mapping[str, Any], *, principal: Principal | None = None) -> Probed:
        """Ask a model once, with the key in the data or else with the one that is stored for its origin.

        :raises Forbidden: for a principal that may not manage credentials, and for an API key limited to agents
            that would use a stored key for another provider or URL than the agent's.
        :raises Invalid: for a provider, an address or a key that no agent could have.
        :raises NotFound: when the principal cannot see the agent that is named.
        :raises Conflict: when there is no key that may be used.
        :raises RateLimited: when the principal has run too many.
        """
        self._db.refuse_open_transaction()
        principal = self._access.require(Permission.MANAGE_CREDENTIALS, principal)
        values = load(self._schema, data)
        agent = self._agent(values, principal)
        target = self._target(values, agent, principal)
        with self._slots.take(principal):
            self._limiter.hit(principal)
            return self._logged(self._call(target, principal), agent, principal)

    def _agent(self, values: JSONObject, principal: Principal) -> Agent | None:
        if (agent_id := values.get("agent_id")) is None:
            refuse_limited(principal)
            return None
        with self._db.transaction(self._access.scope(principal)) as session:
            agent, configuration = find_configured(session, agent_id, principal.tenant_id)
        if principal.limits.agent_ids is not None and "api_key" not in values:
            _refuse_elsewhere(values, effective(agent, configuration))
        return agent

    def _target(self, values: JSONObject, agent: Agent | None, principal: Principal) -> Target:
        provider, base_url = values["provider"], values.get("base_url")
        key = values.get("api_key") or self._stored(Wanted(provider, base_url), agent, principal)
        if key is None and PROVIDERS[provider].needs_key:
            raise Conflict(
                f"There is no API key for {provider} at {Wanted(provider, base_url).origin}.",
                error_code="no_credential",
                hint="Type one, or store one for the agent or the whole tenant.",
            )
        return Target(provider=provider, model=values["model"], base_url=base_url, api_key=key)

    def _stored(self, wanted: Wanted, agent: Agent | None, principal: Principal) -> str | None:
        # On what all tenants share, another provider or URL would be this tenant's choice: as in an overlay.
        shared = agent is not None and agent.tenant_id is None and principal.tenant_id is not None
        wanted = replace(wanted, own_only=shared and _elsewhere(wanted, agent))
        return self._planner.vault.keys_for([wanted], self._rows(agent, principal))[0]

    def _rows(self, agent: Agent | None, principal: Principal) -> Sequence[Any]:
        # Only the system scope sees a shared agent's own keys, which have no tenant, and, for an API key that is
        # limited to agents, the keys of the whole tenant.
        limited = principal.limits.agent_ids is not None
        shared = agent is not None and agent.tenant_id is None
        with self._db.transaction(SYSTEM if shared or limited else self._access.scope(principal)) as session:
            return self._planner.vault.rows(session, agent.id if agent else None, principal.tenant_id)

    def _call(self, target: Target, principal: Principal) -> Call:
        settings = self._planner.settings
        return Call(
            targets=(target,),
            messages=(_ASKED,),
            max_tokens=PROBE_TOKENS,
            limits=replace(self._planner.limits({"timeout_s": min(PROBE_S, settings.timeout_s)}), max_retries=0),
            tenant=principal.tenant_id,
            pace=self._planner.pace(principal),
            prices=settings.prices,
            allowed_hosts=settings.allowed_hosts,
        )

    def _logged(self, call: Call, agent: Agent | None, principal: Principal) -> Probed:
        log_id, started, target = uuid7(), time.monotonic(), call.targets[0]
        self._running.begin(
            action=Action.TEST.value,
            log_id=log_id,
            principal=principal,
            agent_id=agent.id if agent else None,
            agent_name=agent.name if agent else None,
            request_data={"base_url": target.base_url} if target.base_url else {},
            lease_until=utcnow() + timedelta(seconds=call.limits.total_s) + LEASE_GRACE,
            provider=target.provider,
            model=target.model,
        )
        try:
            outcome = replace(engine().run(call, waits=end_turn), output=None, thinking=None, raw=None)
        except BaseException:
            self._end(log_id, principal, started, Outcome(status="error", error="internal"))
            raise
        total_ms = self._end(log_id, principal, started, outcome)
        return Probed(
            ok=outcome.status == "success",
            # The model's time alone: the first call of a process loads the libraries too.
            duration_ms=sum(attempt.duration_ms for attempt in outcome.attempts) if outcome.attempts else total_ms,
            provider=target.provider,
            model=target.model,
            log_id=log_id,
            error=outcome.error,
            message=outcome.message,
        )

    def _end(self, log_id: UUID, principal: Principal, started: float, outcome: Outcome) -> int:
        duration_ms = round((time.monotonic() - started) * 1000)
        self._running.finish(log_id, principal=principal, duration_ms=duration_ms, **ended_values(outcome))
        return duration_ms


def _refuse_elsewhere(values: JSONObject, config: JSONObject) -> None:
    """Keep an API key that is limited to agents from using the tenant's other stored keys.

    :raises Forbidden: when none of the agent's models is at the provider and URL.
    """
    models = [(config.get("provider"), config.get("base_url"))]
    models += [(fallback["provider"], None) for fallback in config.get("fallbacks", ())]
    if (values["provider"], values.get("base_url")) not in models:
        raise Forbidden(
            "This API key is limited to agents and tests stored keys only where its agent uses them.",
            hint="Name the provider and the base_url of the agent, or send api_key.",
        )


def _elsewhere(wanted: Wanted, agent: Agent | None) -> bool:
    config = agent.model_config if agent else {}
    return (wanted.provider, wanted.base_url) != (config.get("provider"), config.get("base_url"))
