"""Who may act at all: ids that every database tells apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.cast import ROOT, Clients
from support.hosts import close, make_host

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.errors import Invalid

BLANKS = ["acme ", " acme", "acme\t", "acme\n", "acme\u00a0", " "]


@pytest.mark.parametrize("id_", BLANKS)
def test_an_id_with_blanks_around_it_is_no_principals(id_: str) -> None:
    """To MariaDB 'acme ' is 'acme', whose rows it would see: it is refused everywhere, and the error says why."""
    with pytest.raises(ValueError, match=r"tenant_id .* blank"):
        Principal("alice", id_, Role.TENANT_ADMIN)
    with pytest.raises(ValueError, match=r"user_id .* blank"):
        Principal(id_, "acme", Role.USER)
    with pytest.raises(Invalid, match="blank"):
        ROOT.acting_for(id_)


def test_blanks_inside_of_an_id_are_the_hosts_matter() -> None:
    """Every database tells these apart."""
    assert Principal("Alice B", "Acme Inc", Role.USER).tenant_id == "Acme Inc"


def test_no_key_is_made_for_such_a_user(clients: Clients) -> None:
    """It would open nothing, and the answer says what to mend."""
    answer: Any = clients.alice.post("/api/ai_agent_api_keys", json={"name": "typed", "user_id": "bob "})
    assert (answer.status_code, list(answer.json["details"])) == (422, ["user_id"])


def test_a_login_with_such_a_tenant_is_told(tmp_path: Path) -> None:
    """A 403 that says what is wrong with the account."""
    user = SimpleNamespace(get_id=lambda: "7", tenant_id="acme ", role="user")
    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(identity=lambda: user))
    answer = app.test_client().get("/api/ai_agents")
    assert answer.status_code == 403
    assert "'acme '" in answer.text
    close(app)
