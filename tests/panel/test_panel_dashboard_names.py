"""Names that the host tells, on dashboards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.csv_files import rows_of
from support.dashboards import part, rows
from support.hosts import close, make_host
from support.logs import execution
from support.panel import PanelClient

from flask_aiagents import AIAgents, Principal
from flask_aiagents.testing import client_as


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """A host that has a name for every id, with a run of bob's and one of charlie's."""
    aiagents = AIAgents(labels=lambda kind, ids: {id_: f"={kind} {id_.title()}" for id_ in ids})
    app = make_host(f"sqlite:///{tmp_path}/names.db", aiagents=aiagents)
    clients = Clients.of(app)
    execution(app, make_agent(clients.alice)["id"], principal=BOB)
    execution(app, make_agent(clients.charlie)["id"], principal=CHARLIE)
    yield app
    close(app)


def panel(app: Flask, principal: Principal) -> PanelClient:
    return PanelClient(client_as(app, principal))


def test_users_and_tenants_have_the_hosts_names(app: Flask) -> None:
    """In tables, in their files and over a user's own dashboard."""
    alice = panel(app, ALICE)
    assert list(rows(part(alice, "users"))) == ["=user Bob"]
    assert list(rows(part(panel(app, ROOT), "tenants"))) == ["=tenant Acme", "=tenant Globex"]
    assert "Dashboard of =user Bob" in alice.get("/dashboard/?user_id=bob").text
    assert "Dashboard of =user Bob" in panel(app, ROOT).get("/dashboard/?user_id=bob").text
    found = rows_of(alice.get("/dashboard/csv/users/").text)
    assert [(row["key"], row["name"]) for row in found] == [("bob", "'=user Bob")]


@pytest.mark.parametrize(
    ("who", "of"), [(CHARLIE, "bob"), (ALICE, "charlie"), (BOB, "charlie"), (ALICE, "nobody")]
)
def test_names_of_strangers_are_not_told(app: Flask, who: Principal, of: str) -> None:
    """Whoever tries ids of users learns no name by it: the id stays what it is."""
    page = panel(app, who).get(f"/dashboard/?user_id={of}")
    assert page.status_code == 200
    assert f"Dashboard of {of}" in page.text
    assert f"=user {of.title()}" not in page.text
