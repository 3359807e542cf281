"""The figures that agents carry: who finds them in lists, single reads, answers and filters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, OFFLINE, ROOT, Clients, make_agent
from support.hosts import close, make_host
from support.logs import execution

from flask_aiagents import AIAgents, Permission, Policy, Principal, Role

WHO = ("root", "alice", "bob", "charlie")

FOR_ACME = {"X-AIAgents-Tenant": "acme"}


@pytest.fixture
def agents(any_host: Flask, any_clients: Clients) -> dict[str, str]:
    """A shared agent that four ran, and one of acme's that three ran; both carry figures."""
    made = {"shared": make_agent(any_clients.root, "Shared")["id"], "own": make_agent(any_clients.alice)["id"]}
    for agent_id in made.values():
        for principal in (ALICE, BOB, ROOT):
            execution(any_host, agent_id, principal=principal, cost_usd=Decimal("0.5"))
    execution(any_host, made["shared"], principal=CHARLIE)
    assert any_host.extensions["aiagents"].maintenance.tick()["cached figures"] == 2
    return made


def carried(client: Any, url: str, **options: Any) -> Any:
    answer = client.get(url, **options)
    assert answer.status_code == 200, answer.text
    found: Any = answer.json if isinstance(answer.json, list) else [answer.json]
    figures = [agent["performance_metrics"] for agent in found if agent["performance_metrics"]]
    return figures[0]["executions"] if figures else None


def test_only_who_may_know_the_tenants_figures_finds_them(any_clients: Clients, agents: dict[str, str]) -> None:
    """A shared agent's are the operator's alone; a tenant's agent's its admin's too; others get none."""
    for which, told in {"shared": [4, None, None, None], "own": [2, 2, None, None]}.items():
        for url in (
            f"/api/ai_agents?id=eq.{agents[which]}",
            f"/api/ai_agents?id=eq.{agents[which]}&select=performance_metrics",
        ):
            found = [carried(getattr(any_clients, who), url) for who in WHO]
            assert found == told, (which, url)
    for who, told in {"root": [4, 2], "alice": [None, 2], "bob": [None, None]}.items():
        client = getattr(any_clients, who)
        assert [carried(client, f"/api/ai_agents/{id_}") for id_ in agents.values()] == told, who
    assert carried(any_clients.charlie, f"/api/ai_agents/{agents['shared']}") is None
    acting = [carried(any_clients.root, f"/api/ai_agents/{id_}", headers=FOR_ACME) for id_ in agents.values()]
    assert acting == [None, 2]


@pytest.mark.parametrize(
    "filter_",
    [
        "performance_metrics->>executions=gt.0",
        "performance_metrics=not.is.null",
        "performance_metrics->>as_of=like.*",
        "or=(performance_metrics->>succeeded.in.(2,4),performance_metrics->duration_ms->>mean.gt.0)",
        "not.or=(performance_metrics.is.null)",
    ],
)
def test_no_filter_tells_what_is_not_shown(any_clients: Clients, agents: dict[str, str], filter_: str) -> None:
    """Where the figures are not shown every filter finds null."""
    found = {
        who: {agent["name"] for agent in getattr(any_clients, who).get(f"/api/ai_agents?{filter_}").json}
        for who in WHO
    }
    assert found == {"root": {"Shared", "Helper"}, "alice": {"Helper"}, "bob": set(), "charlie": set()}


def test_answers_of_writes_tell_no_more(any_clients: Clients, agents: dict[str, str]) -> None:
    """PUT and PATCH answer what a GET answers."""
    for client, which in ((any_clients.alice, "own"), (any_clients.root, "shared")):
        url = f"/api/ai_agents/{agents[which]}"
        patched = client.patch(url, json={"description": "new"}).json
        put = client.put(url, json={"name": patched["name"], "model_config": OFFLINE}).json
        assert patched["performance_metrics"] == put["performance_metrics"]
        assert put == client.get(url).json
        assert put["performance_metrics"]["executions"] == {"own": 2, "shared": 4}[which]
    acting = any_clients.root.patch(f"/api/ai_agents/{agents['own']}", json={"description": "x"}, headers=FOR_ACME)
    assert acting.json["performance_metrics"]["executions"] == 2


class Discreet(Policy):
    """Users update every agent of their tenant, and tenant admins read no analytics."""

    grants = dict(Policy.grants) | {
        Role.TENANT_ADMIN: Policy.grants[Role.TENANT_ADMIN] - {Permission.READ_ANALYTICS},
    }
    own_only: ClassVar = {}


def test_a_hosts_policy_decides(tmp_path: Any) -> None:
    """Who may write an agent and not know others' activity, or no figures at all, is answered without them."""
    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(policy=Discreet()))
    clients = Clients.of(app)
    agent = make_agent(clients.alice)
    execution(app, agent["id"])
    app.extensions["aiagents"].maintenance.tick()
    url = f"/api/ai_agents/{agent['id']}"
    for client in (clients.alice, clients.bob):
        assert client.patch(url, json={"status": "inactive"}).json["performance_metrics"] is None
        assert carried(client, url) is None
        assert client.get("/api/ai_agents?performance_metrics=not.is.null").json == []
    assert carried(clients.root, url) == 1
    close(app)


def test_an_agent_in_a_hosts_hands_holds_no_more(any_host: Flask, agents: dict[str, str]) -> None:
    """What the service gives a host's code for somebody is what that one may know."""
    system = any_host.extensions["aiagents"]
    with any_host.app_context():
        for principal, told in {ROOT: True, ALICE: True, Principal("bea", "acme", Role.USER): False}.items():
            agent = system.agents.get(UUID(agents["own"]), principal=principal)
            assert bool(agent.performance_metrics) is told
            assert "cached_figures" not in vars(agent)
