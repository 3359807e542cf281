from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, OFFLINE

from flask_aiagents import acting_as, current_aiagents
from flask_aiagents.errors import NotFound
from flask_aiagents.features.analytics.period import Period
from flask_aiagents.types import Id

KEY = {"provider": "openai", "api_key": "sk-12345678"}

OF_AGENT: dict[str, Callable[[Any], Any]] = {
    "agents.get": lambda id_: current_aiagents.agents.get(id_),
    "agents.update": lambda id_: current_aiagents.agents.update(id_, {"description": "x"}),
    "agents.replace": lambda id_: current_aiagents.agents.replace(id_, {"name": "x", "model_config": OFFLINE}),
    "configurations.put": lambda id_: current_aiagents.configurations.put(id_, {"configuration": {}}),
    "configurations.get": lambda id_: current_aiagents.configurations.get(id_),
    "configurations.delete": lambda id_: current_aiagents.configurations.delete(id_),
    "credentials.put_for_agent": lambda id_: current_aiagents.credentials.put_for_agent(id_, KEY),
    "credentials.delete_for_agent": lambda id_: current_aiagents.credentials.delete_for_agent(id_),
    "executions.run": lambda id_: current_aiagents.executions.run(id_, {"input": "hi"}),
    "executions.stream": lambda id_: current_aiagents.executions.stream(id_, {"input": "hi"}).close(),
    "activity.list_for_agent": lambda id_: current_aiagents.activity.list_for_agent(id_),
    "analytics.summary": lambda id_: current_aiagents.analytics.summary(Period.recent(), agent_id=id_),
    "analytics.timeseries": lambda id_: current_aiagents.analytics.timeseries(Period.recent(), agent_id=id_),
    "analytics.usage": lambda id_: current_aiagents.analytics.usage(Period.recent(), agent_id=id_),
    "analytics.costs": lambda id_: current_aiagents.analytics.costs(Period.recent(), agent_id=id_),
    "analytics.errors": lambda id_: current_aiagents.analytics.errors(Period.recent(), agent_id=id_),
    "analytics.agent_metrics": lambda id_: current_aiagents.analytics.agent_metrics(id_),
    "analytics.agent_name": lambda id_: current_aiagents.analytics.agent_name(id_),
    "agents.delete": lambda id_: current_aiagents.agents.delete(id_),
}
"""Every service method that takes an agent's id, in an order in which each finds what it needs."""

OTHERS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "keys.get": (lambda: _key(), lambda id_: current_aiagents.keys.get(id_)),
    "keys.revoke": (lambda: _key(), lambda id_: current_aiagents.keys.revoke(id_)),
    "credentials.get": (lambda: _credential(), lambda id_: current_aiagents.credentials.get(id_)),
    "credentials.delete": (lambda: _credential(), lambda id_: current_aiagents.credentials.delete(id_)),
    "activity.get": (lambda: _log(), lambda id_: current_aiagents.activity.get(id_)),
}
"""The other methods that take an id: how to make such a row, and the method."""

MALFORMED = ["", "not-a-uuid", "1", "\x00", "\ud800", "x" * 5_000, "'; DROP TABLE ai_agents; --"]


def _key() -> Id:
    return current_aiagents.keys.create({"name": "x"}).key.id


def _credential() -> Id:
    return current_aiagents.credentials.put(KEY).id


def _log() -> Id:
    return current_aiagents.activity.record({"action": "x"})["id"]


def test_services_accept_ids_as_text(host: Flask) -> None:
    """Every method takes the id that JSON and URLs carry, with and without hyphens."""
    with host.app_context(), acting_as(ALICE):
        agent = current_aiagents.agents.create({"name": "Helper", "model_config": OFFLINE})
        for call in OF_AGENT.values():
            call(str(agent.id))
        for make, call in OTHERS.values():
            call(make().hex)
        assert current_aiagents.analytics.weekly([str(agent.id), "nonsense"]).keys() == {agent.id}


@pytest.mark.parametrize("id_", MALFORMED)
def test_a_malformed_id_is_absent(host: Flask, id_: str) -> None:
    """Every method answers what is no id like an id that no row has, with a short message."""
    with host.app_context(), acting_as(ALICE):
        for name, call in OF_AGENT.items() | {name: other[1] for name, other in OTHERS.items()}.items():
            with pytest.raises(NotFound) as caught:
                call(id_)
            assert len(caught.value.message) < 100, name
