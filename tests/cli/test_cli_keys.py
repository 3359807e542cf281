from __future__ import annotations

from flask import Flask
from running import run
from support.cast import OFFLINE, Clients, make_agent


def make_key(app: Flask, *args: str) -> str:
    result = run(app, "keys", "create", "--name", "test", *args)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def ask(app: Flask, token: str, **headers: str) -> int:
    return app.test_client().get("/api/ai_agents", headers={"X-API-Key": token} | headers).status_code


def test_a_key_works_until_it_is_revoked(host: Flask) -> None:
    """Create prints a token once, list shows the key without it, revoke ends it."""
    token = make_key(host, "--tenant", "acme", "--user", "ci", "--role", "user")
    assert ask(host, token) == 200
    listed = run(host, "keys", "list", "--tenant", "acme").output
    assert "acme" in listed
    assert "ci" in listed
    assert token not in listed
    key_id = listed.split()[0]
    assert run(host, "keys", "revoke", key_id).exit_code == 0
    assert ask(host, token) == 401
    assert "revoked" in run(host, "keys", "list", "--tenant", "acme").output


def test_a_key_acts_as_its_user_in_its_tenant(host: Flask) -> None:
    """What the key makes belongs to the named tenant and user."""
    token = make_key(host, "--tenant", "acme", "--user", "ci", "--role", "tenant_admin")
    answer = host.test_client().post(
        "/api/ai_agents", headers={"X-API-Key": token}, json={"name": "Made by CI", "model_config": OFFLINE}
    )
    agent = answer.get_json()
    assert (agent["tenant_id"], agent["created_by"]) == ("acme", "ci")


def test_a_super_admins_key_has_no_tenant(host: Flask) -> None:
    """Without --tenant only a super admin's key can be made, and it may act for any tenant."""
    token = make_key(host, "--role", "super_admin")
    assert ask(host, token) == ask(host, token, **{"X-AIAgents-Tenant": "acme"}) == 200
    refused = run(host, "keys", "create", "--name", "x", "--role", "user")
    assert refused.exit_code == 2
    assert "--tenant" in refused.output
    shared = run(host, "keys", "create", "--name", "x", "--role", "user", "--tenant", "*")
    assert shared.exit_code == 1
    assert "belongs to a tenant" in shared.output


def test_list_shows_one_tenants_keys_or_all(host: Flask) -> None:
    """--tenant narrows; without it every key is there."""
    for tenant in ("acme", "globex"):
        make_key(host, "--tenant", tenant, "--role", "user")
    assert "globex" not in run(host, "keys", "list", "--tenant", "acme").output
    assert "globex" in run(host, "keys", "list").output


def test_wrong_input_is_a_sentence(host: Flask) -> None:
    """A past expiry and an unknown key name what is wrong, without a traceback."""
    past = run(
        host, "keys", "create", "--name", "x", "--tenant", "acme", "--role", "user", "--expires", "2020-01-01"
    )
    assert past.exit_code == 1
    assert "expires_at: Give a time in the future." in past.output
    unknown = run(host, "keys", "revoke", "0190f3c2-7b1c-7cc3-98c4-dc0c0c07398f")
    assert unknown.exit_code == 1
    assert "There is no API key" in unknown.output
    assert "Traceback" not in past.output + unknown.output


def test_a_key_is_limited_by_options(host: Flask, clients: Clients) -> None:
    """``--permission`` and ``--agent`` limit a key, and the list counts them."""
    agent = make_agent(clients.alice)["id"]
    make_agent(clients.alice, "Hidden")
    token = make_key(
        host,
        *("--tenant", "acme", "--user", "bob", "--role", "user", "--permission", "read_agents"),
        *("--permission", "report_usage", "--agent", agent),
    )
    seen = host.test_client().get("/api/ai_agents", headers={"X-API-Key": token}).get_json()
    assert [one["id"] for one in seen] == [agent]
    assert "2 permission(s)  1 agent(s)" in run(host, "keys", "list", "--tenant", "acme").output
    absent = ("--tenant", "acme", "--role", "user", "--agent", "00000000-0000-0000-0000-000000000000")
    refused = run(host, "keys", "create", "--name", "x", *absent)
    assert (refused.exit_code, "There is no agent" in refused.output) == (1, True)
