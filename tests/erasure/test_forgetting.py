from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import ALICE, BOB, ROOT, Clients, make_agent
from support.databases import Roles
from support.dying import Died, dying_at
from support.forgotten import CANARY, EVE, OWNERLESS, SECRET, Rows, dump, live, sums
from support.hosts import close, make_host
from support.logs import begin, finish
from support.usage import analytics_of, past, roll_up, write

from flask_aiagents import AIAgents, Permission, Policy, Principal, Role
from flask_aiagents.core.clock import utcnow
from flask_aiagents.core.tenancy import SYSTEM
from flask_aiagents.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from flask_aiagents.features.agents.models import Agent

Deed = Callable[..., Any]


def forget_tenant(app: Flask, **options: Any) -> Any:
    with app.app_context():
        return app.extensions["aiagents"].erasure.forget_tenant("acme", principal=ROOT, **options)


def forget_person(app: Flask, **options: Any) -> Any:
    with app.app_context():
        return app.extensions["aiagents"].erasure.forget_person(
            CANARY, tenant_id="acme", principal=ROOT, **options
        )


def forget_operator(app: Flask, **options: Any) -> Any:
    with app.app_context():
        return app.extensions["aiagents"].erasure.forget_person(CANARY, tenant_id=None, principal=ROOT, **options)


both = pytest.mark.parametrize("deed", [forget_tenant, forget_person])


def others(rows: Rows, deed: Deed) -> Rows:
    """The rows that the deed must not touch."""

    def is_touched(row: str) -> bool:
        if "'forget'" in row or "'(forgotten)'" in row:
            return True
        if deed is forget_tenant:
            return "'acme'" in row
        return f"'{CANARY}'" in row and ("'acme'" in row) == (deed is forget_person) and "'globex'" not in row

    return {
        table: [row for row in found if not is_touched(row)]
        for table, found in rows.items()
        if table not in OWNERLESS
    }


def assert_forgotten(rows: Rows, deed: Deed) -> None:
    """Nothing of theirs is anywhere but where the documentation says so."""
    for table, found in rows.items():
        for row in found:
            if "'globex'" in row or "'forget'" in row:
                continue
            if deed is forget_tenant:
                assert SECRET not in row, row
                assert "'acme'" not in row or table == "ai_agent_usage", row
                assert "'acme'" not in row or not any(f"'{user}'" in row for user in ("bob", "alice", CANARY)), row
            else:
                is_theirs = CANARY in row and ("'acme'" in row) == (deed is forget_person)
                assert not is_theirs, (table, row)
    deeds = [row for row in rows["ai_agent_activity_logs"] if "'forget'" in row]
    assert len(deeds) == 1
    assert CANARY not in deeds[0]
    assert not any("forget" in row for row in rows["ai_agent_claims"])


@pytest.mark.parametrize("deed", [forget_tenant, forget_person, forget_operator])
def test_nothing_is_left_of_the_forgotten_and_all_of_the_others(any_host: Flask, deed: Deed) -> None:
    """Their rows are gone from every table, those of others are the same, and every sum at every level, too."""
    live(any_host, 700)
    roll_up(any_host)
    before, figures = dump(any_host), sums(any_host)
    done = deed(any_host)
    assert all(count for name, count in done.items()), done
    after = dump(any_host)
    assert_forgotten(after, deed)
    assert others(after, deed) == others(before, deed)
    assert sums(any_host) == figures


@both
def test_killed_at_any_statement_it_goes_on_to_the_same_end(any_host: Flask, deed: Deed) -> None:
    """However often it dies, the next run goes on, and the deed is in the log once."""
    live(any_host)
    with any_host.app_context():
        analytics_of(any_host).roll_up(seconds=None)
    before, figures = dump(any_host), sums(any_host)
    deaths = next(number for number in itertools.count() if survives(any_host, deed, number + 1))
    assert deaths > 20
    after = dump(any_host)
    assert_forgotten(after, deed)
    assert others(after, deed) == others(before, deed)
    assert sums(any_host) == figures


def survives(app: Flask, deed: Deed, number: int) -> bool:
    """Whether the deed ends before its statement of this number, at which it would die."""
    with suppress(Died), dying_at(app, number):
        deed(app)
        return True
    return False


@both
def test_what_waits_to_be_summed_up_is_summed_up_first(any_host: Flask, deed: Deed) -> None:
    """The sums are those of all logs that ever were, also of those that nobody had counted yet; a rebuild of their
    days brings nobody back."""
    live(any_host)
    deed(any_host)
    executions = sum(full["executions"] for key, (full, _) in sums(any_host).items() if key[:2] == ("all", "day"))
    assert executions == 60
    now = utcnow()
    with any_host.app_context():
        analytics_of(any_host).rebuild(now - timedelta(days=21), now)
    assert_forgotten(dump(any_host), deed)


def test_the_second_time_there_is_nothing_to_forget(any_host: Flask) -> None:
    """And that is said, without a second line in the log."""
    live(any_host)
    forget_tenant(any_host)
    with pytest.raises(NotFound, match="nothing to forget of tenant acme"):
        forget_tenant(any_host)
    assert_forgotten(dump(any_host), forget_tenant)


@both
def test_while_their_executions_run_nothing_is_forgotten(any_host: Flask, deed: Deed) -> None:
    """Their cost belongs in the books, so one waits for their end; those whose process died are ended."""
    live(any_host)
    agent = make_agent(Clients.of(any_host).root, "Shared")
    running = begin(any_host, agent["id"], principal=EVE)
    begin(any_host, agent["id"], principal=EVE, at=utcnow() - timedelta(hours=1))
    before = dump(any_host)
    with pytest.raises(Conflict, match="still run: 1"):
        deed(any_host)
    assert dump(any_host)["ai_agents"] == before["ai_agents"]
    assert finish(any_host, running, principal=EVE)
    deed(any_host)
    assert_forgotten(dump(any_host), deed)
    assert not finish(any_host, running, principal=EVE)


@both
def test_what_is_written_meanwhile_is_told(any_host: Flask, deed: Deed) -> None:
    """A request that came in between leaves something, and the operator hears of it."""
    live(any_host)
    late = [log | {"tenant_id": "acme", "user_id": CANARY} for log in past(utcnow(), 1, 1, seed=5)]

    def interrupt(text: str) -> None:
        if late and "sums" in text:
            write(any_host, [late.pop()])

    with pytest.raises(Conflict, match="written meanwhile"):
        deed(any_host, tell=interrupt)
    deed(any_host)
    assert_forgotten(dump(any_host), deed)


def test_what_a_person_made_stays_as_it_was(any_host: Flask) -> None:
    """Agents keep their version and time of change: who edits one meanwhile saves it as ever. API keys end."""
    live(any_host)
    with any_host.app_context():
        token = any_host.extensions["aiagents"].keys.create({"name": "Third"}, principal=EVE).token
    client = any_host.test_client()
    assert client.get("/api/ai_agents", headers={"X-API-Key": token}).status_code == 200
    before = made_by(any_host, CANARY)
    forget_person(any_host)
    assert made_by(any_host, "(forgotten)") == before
    assert len(before) == 1
    assert client.get("/api/ai_agents", headers={"X-API-Key": token}).status_code == 401


def made_by(app: Flask, user_id: str) -> list[Any]:
    with app.app_context(), app.extensions["aiagents"].database.transaction(SYSTEM) as session:
        agents = sa.select(Agent.id, Agent.version, Agent.updated_at, Agent.model_config)
        return list(session.execute(agents.where(Agent.created_by == user_id, Agent.tenant_id == "acme")))


def test_the_deed_is_in_the_operators_log(any_host: Flask) -> None:
    """Operators read who forgot what; tenants do not, and no line says who the person was."""
    live(any_host)
    forget_person(any_host)
    forget_tenant(any_host)
    clients = Clients.of(any_host)
    address = "/api/ai_agent_activity_logs?action=eq.forget&order=id.asc"
    told = [(log["user_id"], log["tenant_id"], log["request_data"]) for log in clients.root.get(address).json]
    assert told == [
        ("root", None, {"forgotten": "person", "tenant": "acme"}),
        ("root", None, {"forgotten": "tenant", "tenant": "acme"}),
    ]
    assert clients.charlie.get(address).json == []


@pytest.mark.parametrize("stranger", [ALICE, BOB, ROOT.acting_for("acme")])
def test_only_operators_forget(host: Flask, stranger: Principal) -> None:
    """Neither a tenant's admin, nor its user, nor a super admin inside of a tenant; nor nobody."""
    live(host)
    before = dump(host)
    erasure = host.extensions["aiagents"].erasure
    with host.app_context():
        for call in (
            lambda who: erasure.count("acme", principal=who),
            lambda who: erasure.forget_tenant("acme", principal=who),
            lambda who: erasure.forget_person(CANARY, tenant_id="acme", principal=who),
        ):
            with pytest.raises(Forbidden):
                call(stranger)
            with pytest.raises(Unauthorized):
                call(None)
    assert dump(host) == before


def test_no_policy_lets_a_tenant_forget(tmp_path: Any) -> None:
    """A host that allows its tenant admins everything does not allow them other tenants."""

    class Everything(Policy):
        grants: ClassVar = {**Policy.grants, Role.TENANT_ADMIN: frozenset(Permission)}

    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(policy=Everything()))
    live(app)
    with app.app_context(), pytest.raises(Forbidden, match="super admin"):
        app.extensions["aiagents"].erasure.forget_tenant("globex", principal=ALICE)
    close(app)


@pytest.mark.parametrize("wrong", ["", "x" * 256, "a\0b", "\ud800", "(forgotten)"])
def test_ids_that_are_none_are_refused(any_host: Flask, wrong: str) -> None:
    """In words, whatever the database is, and nothing is touched."""
    before = dump(any_host)
    erasure = any_host.extensions["aiagents"].erasure
    with any_host.app_context():
        with pytest.raises(Invalid) as caught:
            erasure.forget_person(wrong, tenant_id="acme", principal=ROOT)
        assert "user_id" in caught.value.details
        with pytest.raises((Invalid, NotFound)):
            erasure.forget_tenant(wrong, principal=ROOT)
    assert dump(any_host) == before


def test_nobody_forgets_themselves(host: Flask) -> None:
    """The log of the deed would name them again."""
    with host.app_context(), pytest.raises(Invalid, match="themselves"):
        host.extensions["aiagents"].erasure.forget_person("root", tenant_id=None, principal=ROOT)


def test_behind_the_wall_of_two_roles(postgres: Roles) -> None:
    """The application's role, which owns no table and cannot change ended logs, forgets as well."""
    app = make_host(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    live(app)
    roll_up(app)
    figures = sums(app)
    forget_person(app)
    assert_forgotten(dump(app), forget_person)
    assert sums(app) == figures
    forget_tenant(app)
    left = dump(app)
    assert not any("'acme'" in row and "'forget'" not in row for row in left["ai_agent_activity_logs"])
    assert not any(SECRET in row or "'acme'" in row for row in (*left["ai_agents"], *left["ai_agent_api_keys"]))
    close(app)
