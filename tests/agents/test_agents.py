from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from support.cast import ALICE, OFFLINE, ROOT, Clients, make_agent

from flask_aiagents import current_aiagents
from flask_aiagents.features.agents.service import merge_patch
from flask_aiagents.testing import client_as
from flask_aiagents.web.schema import MOST_ADVISED


def test_a_created_agent_is_read_back_as_it_was_sent(clients: Clients) -> None:
    """POST answers 201 with Location, ETag and the object that GET gives."""
    response = clients.alice.post(
        "/api/ai_agents",
        json={
            "name": "Support",
            "description": "Answers customers",
            "agent_type": "customer_support",
            "capabilities": ["chat", "tool_use"],
            "model_config": {"provider": "openai", "model": "gpt-4o-mini", "temperature": 0.2},
        },
    )
    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    read = clients.alice.get(response.headers["Location"])
    assert read.json == response.json
    assert read.json["tenant_id"] == "acme"
    assert read.json["created_by"] == "alice"
    assert read.json["status"] == "active"
    assert read.json["created_at"].endswith("Z")


def test_an_array_is_made_whole_or_not_at_all(clients: Clients) -> None:
    """One bad agent among several leaves none behind, and the answer says which."""
    bad = clients.alice.post(
        "/api/ai_agents",
        json=[{"name": "one", "model_config": OFFLINE}, {"name": "two", "model_config": {"provider": "offline"}}],
    )
    assert bad.status_code == 422
    assert "model" in bad.json["details"]["1"]["model_config"]
    assert clients.alice.get("/api/ai_agents").json == []
    good = clients.alice.post(
        "/api/ai_agents", json=[{"name": n, "model_config": OFFLINE} for n in ("one", "two")]
    )
    assert [agent["name"] for agent in good.json] == ["one", "two"]


def test_a_name_is_unique_within_its_tenant_whatever_the_case(clients: Clients) -> None:
    """The second of two equal names is a 409; another tenant may use it."""
    make_agent(clients.alice, "Straße")
    again = clients.bob.post("/api/ai_agents", json={"name": " STRASSE ", "model_config": OFFLINE})
    assert again.status_code == 409
    assert again.json["hint"]
    make_agent(clients.charlie, "Straße")


@pytest.mark.parametrize("who", ["alice", "root"])
def test_r21_f21_of_50_concurrent_creates_of_one_name_one_wins(host: Flask, who: str) -> None:
    """50 threads create one name, in a tenant or shared: one 201, 49 times 409."""
    principal = {"alice": ALICE, "root": ROOT}[who]

    def create(_: int) -> int:
        body = {"name": "Only one", "model_config": OFFLINE}
        return client_as(host, principal).post("/api/ai_agents", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(50)))
    assert statuses == [201] + [409] * 49


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("temperature", 2.5, "2"),
        ("max_tokens", 10_000_000, "at most"),
        ("provider", "opnai", "openai"),
        ("tools", ["nope"], "nope"),
        ("output_schema", {"type": "nonsense"}, "JSON Schema"),
        ("base_url", "http://169.254.169.254/latest", "https"),
        ("tempratur", 1, "temperature"),
        ("fallbacks", [{"provider": "openai"}], "Missing"),
        ("top_p", "hot", "number"),
    ],
)
def test_a_wrong_model_config_is_refused_by_field(clients: Clients, field: str, value: Any, said: str) -> None:
    """Each wrong key of model_config is a 422 whose details name it and say what would do."""
    config = {"provider": "openai", "model": "gpt-4o-mini"} | {field: value}
    response = clients.alice.post("/api/ai_agents", json={"name": "Wrong", "model_config": config})
    assert response.status_code == 422
    assert said in str(response.json["details"]["model_config"][field])


@pytest.mark.parametrize(
    "field",
    ["tenant_id", "created_by", "performance_metrics", "created_at", "updated_at", "id", "version", "tenant_key"],
)
def test_r15_what_the_system_sets_is_refused(clients: Clients, field: str) -> None:
    """Nobody sends a tenant, an author, figures or times: POST, bulk, PUT and PATCH refuse them."""
    agent = make_agent(clients.alice)
    body = {"name": "Sly", "model_config": OFFLINE, field: "globex"}
    url = f"/api/ai_agents/{agent['id']}"
    responses = [
        clients.alice.post("/api/ai_agents", json=body),
        clients.alice.post("/api/ai_agents", json=[body]),
        clients.alice.put(url, json=body),
        clients.alice.patch(url, json={field: "globex"}),
    ]
    assert [response.status_code for response in responses] == [422] * 4
    assert clients.alice.get(url).json == agent


def test_a_stale_if_match_changes_nothing(clients: Clients) -> None:
    """A change made with an old ETag is a 412; with the present one it is done and the ETag moves on."""
    agent = make_agent(clients.alice)
    url = f"/api/ai_agents/{agent['id']}"
    first = clients.alice.patch(url, json={"description": "new"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    for method in (clients.alice.patch, clients.alice.put, clients.alice.delete):
        stale = method(url, json={"name": "Lost", "model_config": OFFLINE}, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
    assert clients.alice.get(url).json["description"] == "new"
    assert clients.alice.patch(url, json={}, headers={"If-Match": "W/x"}).status_code == 400


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_are_those_of_the_rfc(target: Any, patch: Any, merged: Any) -> None:
    """The examples of RFC 7396, appendix A, that an object's field can have."""
    assert merge_patch(target, patch) == merged


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("changes", [[], "x", 1, [1], [["name", "zz"]], True])
def test_changes_that_are_no_object_are_refused(clients: Clients, changes: Any) -> None:
    """PATCH says what to send, and changes nothing."""
    agent = make_agent(clients.alice)
    url = f"/api/ai_agents/{agent['id']}"
    assert clients.alice.patch(url, json=changes).status_code == 422
    assert clients.alice.get(url).json["version"] == 1


def test_a_patch_changes_one_key_deep_inside(clients: Clients) -> None:
    """What else stands in a nested object stays, and null takes one key out of it."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    agent = make_agent(clients.alice, model_config=OFFLINE | {"output_schema": schema})
    patch = {"model_config": {"output_schema": {"properties": {"a": None, "c": {"type": "integer"}}}}}
    patched = clients.alice.patch(f"/api/ai_agents/{agent['id']}", json=patch).json["model_config"]
    assert patched["output_schema"] == {
        "type": "object",
        "properties": {"b": {"type": "string"}, "c": {"type": "integer"}},
    }


def test_put_resets_what_it_leaves_out_and_patch_merges(clients: Clients) -> None:
    """PUT goes back to defaults; PATCH changes the named fields and merges model_config, null takes away."""
    agent = make_agent(
        clients.alice, description="long", model_config=OFFLINE | {"temperature": 1, "max_tokens": 5}
    )
    url = f"/api/ai_agents/{agent['id']}"
    patched = clients.alice.patch(url, json={"model_config": {"temperature": None, "top_p": 0.5}}).json
    assert patched["model_config"] == OFFLINE | {"max_tokens": 5, "top_p": 0.5}
    assert patched["description"] == "long"
    put = clients.alice.put(url, json={"name": "Helper", "model_config": OFFLINE}).json
    assert (put["description"], put["model_config"]) == ("", OFFLINE)


def test_a_put_does_not_widen_what_logs_keep(clients: Clients) -> None:
    """A client that does not know of log_payload_kb leaves it; who names it sets it; a new agent has 64."""
    assert make_agent(clients.alice, "New")["log_payload_kb"] == 64
    agent = make_agent(clients.alice, log_payload_kb=0)
    url, known = f"/api/ai_agents/{agent['id']}", {"name": "Helper", "model_config": OFFLINE}
    assert clients.alice.put(url, json=known | {"description": "new"}).json["log_payload_kb"] == 0
    assert clients.alice.put(url, json=known | {"log_payload_kb": 8}).json["log_payload_kb"] == 8
    assert clients.alice.put(url, json=known | {"log_payload_kb": None}).status_code == 422
    assert clients.alice.get(url).json["log_payload_kb"] == 8


def test_roles_decide_who_may_do_what(clients: Clients) -> None:
    """Users change what they made and no more; a shared agent is the super admin's."""
    own, shared = make_agent(clients.bob, "Own"), make_agent(clients.root, "Shared")
    alices = make_agent(clients.alice, "Alice's")
    assert shared["tenant_id"] is None
    assert clients.bob.patch(f"/api/ai_agents/{own['id']}", json={}).status_code == 200
    assert clients.bob.patch(f"/api/ai_agents/{alices['id']}", json={}).status_code == 403
    assert clients.bob.delete(f"/api/ai_agents/{alices['id']}").status_code == 403
    assert clients.alice.patch(f"/api/ai_agents/{shared['id']}", json={}).status_code == 403
    assert clients.alice.get(f"/api/ai_agents/{shared['id']}").status_code == 200
    assert clients.alice.delete(f"/api/ai_agents/{own['id']}").status_code == 204
    assert clients.root.delete(f"/api/ai_agents/{shared['id']}").status_code == 204


def test_r14_a_strangers_agent_is_answered_like_an_absent_one(clients: Clients) -> None:
    """Every verb on another tenant's agent answers exactly what it answers for an unknown id."""
    foreign, absent = make_agent(clients.alice)["id"], str(uuid4())
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PUT", "", {"name": "x", "model_config": OFFLINE}),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/configuration", None),
        ("PUT", "/configuration", {"configuration": {}}),
        ("DELETE", "/configuration", None),
        ("PUT", "/credential", {"api_key": "sk-12345678"}),
        ("DELETE", "/credential", None),
        ("POST", "/execute", {"input": "hi"}),
        ("GET", "/activity_logs", None),
        ("GET", "/performance_metrics", None),
    ]
    for method, path, body in calls:
        seen, unseen = (
            clients.charlie.open(f"/api/ai_agents/{agent_id}{path}", method=method, json=body)
            for agent_id in (foreign, absent)
        )
        assert seen.status_code == 404, (method, path)
        assert seen.text.replace(foreign, absent) == unseen.text


def test_a_super_admin_acts_for_a_tenant_by_header(clients: Clients) -> None:
    """X-AIAgents-Tenant puts root inside acme; for anybody else it is a 403."""
    header = {"X-AIAgents-Tenant": "acme"}
    made = clients.root.post("/api/ai_agents", json={"name": "For acme", "model_config": OFFLINE}, headers=header)
    assert made.json["tenant_id"] == "acme"
    make_agent(clients.charlie, "Elsewhere")
    assert [a["name"] for a in clients.root.get("/api/ai_agents", headers=header).json] == ["For acme"]
    assert len(clients.root.get("/api/ai_agents").json) == 2
    assert clients.alice.get("/api/ai_agents", headers=header).status_code == 403


def test_lists_filter_order_select_and_page(clients: Clients) -> None:
    """The dialect narrows, orders and cuts a list; Link leads through all of it without gap or repetition."""
    for number in range(25):
        make_agent(clients.alice, f"Agent {number:02}", status="active" if number % 2 else "inactive")
    url: str | None = "/api/ai_agents?status=eq.active&select=name&order=name.desc&limit=5"
    names: list[str] = []
    while url:
        page = clients.alice.get(url, headers={"Prefer": "count=exact"})
        assert page.headers["Content-Range"].endswith("/12")
        names += [item["name"] for item in page.json]
        link = page.headers.get("Link")
        url = link.split(">")[0][1:] if link else None
    assert names == [f"Agent {number:02}" for number in range(23, 0, -2)]
    found = clients.alice.get(
        "/api/ai_agents?or=(name.eq.Agent 01,name.ilike.*T 02)&model_config->>provider=eq.offline"
    )
    assert {a["name"] for a in found.json} == {"Agent 01", "Agent 02"}


def test_host_code_calls_the_same_service_under_the_same_rules(host: Flask) -> None:
    """current_aiagents.agents.create makes what the route makes, and refuses what it refuses."""
    with host.app_context():
        agent = current_aiagents.agents.create({"name": "From code", "model_config": OFFLINE}, principal=ALICE)
        assert agent.tenant_id == "acme"
        with pytest.raises(Exception, match="wrong") as caught:
            current_aiagents.agents.create({"name": ""}, principal=ALICE)
    assert caught.value.code == 422  # pyright: ignore[reportAttributeAccessIssue]


def test_few_of_many_unknown_names_in_an_array_get_advice(clients: Clients) -> None:
    """Also where they are inside of a field; all of them are refused."""
    configs = [{f"temperatur{n}": 1, f"max_token{n}": 1} for n in range(100)]
    many = [{"name": "x", "model_config": config} for config in configs]
    refused = clients.alice.post("/api/ai_agents", json=many)
    assert refused.status_code == 422
    assert len(refused.json["details"]) == 100
    assert refused.text.count("did you mean") == MOST_ADVISED
