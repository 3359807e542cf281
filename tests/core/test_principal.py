"""Who may act at all: ids that every database tells apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from support.cast import ROOT, Clients
from support.hosts import close, make_host

from flask_aiagents import AIAgents, Principal, Role, Scope, tenant_scope
from flask_aiagents.errors import Invalid, ScopeError

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


@pytest.mark.parametrize("id_", [7, "7", UUID(int=7)])
def test_ids_become_text(id_: int | str | UUID) -> None:
    """A host may pass its ids as it has them; we compare and store text."""
    principal = Principal(id_, id_, Role.USER)
    assert (principal.user_id, principal.tenant_id) == (str(id_), str(id_))
    assert ROOT.acting_for(id_).tenant_id == str(id_)
    with tenant_scope(id_) as scope:
        assert scope == Scope(tenant_id=str(id_))


@pytest.mark.parametrize(
    "id_", [True, False, 1.5, b"7", ["7"], "u" * 256, "a\x00b", "a\ud800"], ids=lambda id_: repr(id_)[:8]
)
def test_an_unusable_id_is_refused(id_: Any) -> None:
    """Booleans, other types, overlong ids and what no database stores are refused before anything is stored."""
    with pytest.raises(ValueError, match="user_id"):
        Principal(id_, "acme", Role.USER)
    with pytest.raises(ValueError, match="tenant_id"):
        Principal("alice", id_, Role.USER)
    with pytest.raises(ScopeError, match="tenant_id"):
        tenant_scope(id_).__enter__()
    with pytest.raises(Invalid, match="X-AIAgents-Tenant"):
        ROOT.acting_for(id_)


def test_the_longest_ids_are_those_of_the_columns() -> None:
    """255 characters of a user id and 128 of a tenant id are stored; one more is refused."""
    assert Principal("u" * 255, "t" * 128, Role.USER).user_id == "u" * 255
    with pytest.raises(ValueError, match="129 characters, more than 128"):
        Principal("u", "t" * 129, Role.USER)
