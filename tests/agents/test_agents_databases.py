from __future__ import annotations

from support.cast import OFFLINE, Clients, make_agent


def test_the_whole_life_of_an_agent_on_each_database(any_clients: Clients) -> None:
    """Create, list with every kind of filter, page, change, configure, run, look at the figures, delete."""
    alice = any_clients.alice
    for number in range(5):
        make_agent(alice, f"Agent {number}", capabilities=["chat"] if number % 2 else ["vision", "chat"])
    shared = make_agent(any_clients.root, "Shared")
    assert len(alice.get("/api/ai_agents").json or []) == 6
    for filters, count in {
        "capabilities=cs.{vision}": 3,
        "capabilities=not.cs.{vision,chat}": 3,
        "model_config->>provider=eq.offline": 6,
        "name=ilike.agent*": 5,
        'name=in.("Agent 1",Agent 2)': 2,
        "tenant_id=is.null": 1,
        "created_at=gt.2020-01-01T00:00:00Z": 6,
        f"id=eq.{shared['id']}": 1,
        "version=gte.2": 0,
        "and=(status.eq.active,not.or(name.eq.Agent 1,name.eq.Agent 2))": 4,
    }.items():
        assert len(alice.get(f"/api/ai_agents?{filters}").json) == count, filters
    seen, url = [], "/api/ai_agents?limit=2&order=status.asc,name.desc"
    while url:
        page = alice.get(url)
        seen += [agent["name"] for agent in page.json]
        url = page.headers["Link"].split(">")[0][1:] if "Link" in page.headers else ""
    assert seen == ["Shared", *(f"Agent {number}" for number in (4, 3, 2, 1, 0))]
    url = f"/api/ai_agents/{shared['id']}"
    assert alice.put(f"{url}/configuration", json={"configuration": {"temperature": 1.5}}).status_code == 200
    assert alice.get(f"{url}/configuration").json["effective"] == OFFLINE | {"temperature": 1.5}
    assert alice.post(f"{url}/execute", json={"input": "Hello"}).status_code == 200
    figures = alice.get(f"{url}/performance_metrics").json
    assert (figures["executions"], figures["success_rate"], figures["cost_usd"]) == (1, 1.0, "0.000000000000")
    assert [log["action"] for log in alice.get(f"{url}/activity_logs?order=created_at.asc").json] == [
        "configure",
        "execute",
    ]
    assert any_clients.root.delete(url).status_code == 204
    assert alice.get(url).status_code == 404
    assert any_clients.root.get(f"/api/ai_agent_activity_logs?agent_id=eq.{shared['id']}&action=eq.execute").json


def test_patterns_fold_letters_and_escape_wildcards_alike(any_clients: Clients) -> None:
    """Every database finds letters beyond ASCII in any case, and a wildcard behind a backslash as itself."""
    for name in ("Äpfel_1", "Äpfel 2", "50% off", "a*b"):
        make_agent(any_clients.alice, name)
    for pattern, names in {
        "ilike.*äPFEL*": ["Äpfel 2", "Äpfel_1"],
        "like.*äpfel*": [],
        "like.*\\_*": ["Äpfel_1"],
        "like.*\\%*": ["50% off"],
        "ilike.*\\**": ["a*b"],
        "like.Äpfel_2": ["Äpfel 2"],
    }.items():
        found = any_clients.alice.get("/api/ai_agents", query_string={"name": pattern, "select": "name"})
        assert sorted(agent["name"] for agent in found.json) == sorted(names), pattern
