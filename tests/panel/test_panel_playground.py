from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from support.cast import ALICE, CHARLIE, ROOT, Clients, make_agent
from support.hosts import make_host
from upstream import Tokens, Upstream, say, status

from flask_aiagents import AIAgents
from flask_aiagents.testing import client_as

RUN = "/aiagents/playground/run/"


def upstream_agent(client: Any, upstream: Upstream, **config: Any) -> str:
    """An agent that asks the upstream."""
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | config
    agent = make_agent(client, f"Upstream {uuid4()}", model_config=model)
    client.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": "sk-12345678"})
    return agent["id"]


def token_of(client: Any) -> str:
    """The token of an open page."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/aiagents/playground/").text)
    assert found
    return found[1]


def run(client: Any, agent_id: Any, text: Any = "Hi", *, token: str | None = None, **more: Any) -> Any:
    """What the page's script sends."""
    headers = {"X-CSRF-Token": token_of(client) if token is None else token, "HX-Request": "true"}
    body = {"agent": str(agent_id), "input": text} | more
    return client.post(RUN, json=body, headers=headers)


def open_run(client: Any, agent_id: str) -> Any:
    """The same, read piece by piece."""
    headers = {"X-CSRF-Token": token_of(client)}
    return client.post(RUN, json={"agent": agent_id, "input": "Hi"}, headers=headers, buffered=False)


def events_of(text: str) -> list[tuple[str, Any]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def logs(clients: Clients) -> list[dict[str, Any]]:
    """Every execution, the newest first."""
    return clients.root.get("/api/ai_agent_activity_logs?action=eq.execute&order=created_at.desc").json


def data_of(page: str) -> dict[str, Any]:
    """What the page tells its script."""
    return json.loads(page.split('id="playground-data"')[1].split(">", 1)[1].split("</script>")[0])


def test_an_answer_is_streamed_under_a_log(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """First comes the log's id and page, then the answer in pieces, then what it took."""
    upstream.answer("One two three.", usage=Tokens(input=1000, output=500))
    answer = run(alice.http, upstream_agent(clients.alice, upstream))
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    events = events_of(answer.text)
    (log,) = logs(clients)
    assert events[0][0] == "log"
    assert events[0][1]["log_id"] == log["id"] == answer.headers["X-AIAgents-Log"]
    assert events[0][1]["url"].endswith(f"/activity/details/?id={log['id']}")
    assert "".join(data["text"] for name, data in events if name == "delta") == "One two three."
    assert events[-1][0] == "done"
    assert events[-1][1]["cost_usd"] == log["cost_usd"] == "0.000450000000"
    assert (log["user_id"], log["tenant_id"], log["status"]) == ("alice", "acme", "success")


def test_what_was_said_before_goes_along(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """The page's conversation reaches the model in order."""
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    run(alice.http, upstream_agent(clients.alice, upstream), turns).get_data()
    assert [turn["content"] for turn in upstream.requests[0].json["messages"]] == ["one", "two", "three"]


def test_a_reader_that_hangs_up_cancels(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """The run ends as cancelled, with the tokens that it had used."""
    upstream.behave(say("word " * 200, delay=0.02))
    answer = open_run(alice.http, upstream_agent(clients.alice, upstream))
    frames = iter(answer.response)
    assert b"event: log" in bytes(next(frames))
    assert b"event: delta" in bytes(next(frames))
    answer.close()
    (log,) = logs(clients)
    assert (log["status"], log["output_tokens"] > 0) == ("cancelled", True)
    assert upstream.wait_closed()


def test_a_reader_that_never_reads_cancels(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """A page that is closed before the first byte leaves no running log."""
    upstream.behave(say("word " * 200, delay=0.02))
    open_run(alice.http, upstream_agent(clients.alice, upstream)).close()
    assert [log["status"] for log in logs(clients)] == ["cancelled"]


def test_no_connection_is_held_while_streaming(
    host: Flask, alice: Any, clients: Clients, upstream: Upstream
) -> None:
    """Between two events the pool has all of its connections."""
    upstream.behave(say("word " * 50, delay=0.02))
    answer = open_run(alice.http, upstream_agent(clients.alice, upstream))
    frames = iter(answer.response)
    assert b"event: log" in bytes(next(frames))
    assert next(frames)
    assert host.extensions["aiagents"].database.engine.pool.checkedout() == 0
    answer.close()


def test_errors_before_the_answer_are_told(alice: Any, clients: Clients) -> None:
    """An inactive agent, an empty text and an absent agent are JSON with a message and a hint."""
    sleeping = make_agent(clients.alice, status="maintenance")["id"]
    refused = run(alice.http, sleeping)
    assert (refused.status_code, refused.json["code"]) == (409, "not_active")
    assert refused.json["hint"]
    assert run(alice.http, sleeping, "").status_code == 422
    assert run(alice.http, uuid4()).status_code == 404
    assert run(alice.http, "nonsense").status_code == 422
    assert alice.http.post(RUN, data="{", headers={"X-CSRF-Token": token_of(alice.http)}).status_code == 415
    assert logs(clients) == []


def test_an_error_of_the_model_is_the_last_event(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """The stream ends with message, hint and log."""
    upstream.behave(status(401))
    last = events_of(run(alice.http, upstream_agent(clients.alice, upstream)).text)[-1]
    assert (last[0], last[1]["code"]) == ("error", "authentication")
    assert "credential" in last[1]["hint"]
    assert [log["status"] for log in logs(clients)] == ["error"]


def test_other_parameters_are_tried_and_logged(alice: Any, clients: Clients, upstream: Upstream) -> None:
    """An admin's run takes them, the log names them, the agent stays as it is."""
    agent_id = upstream_agent(clients.alice, upstream, temperature=1.0)
    tried = {"temperature": 0.5, "system_prompt": "Rhyme."}
    run(alice.http, agent_id, overrides=tried).get_data()
    assert upstream.requests[0].json["temperature"] == 0.5
    assert logs(clients)[0]["request_data"]["overrides"] == tried
    assert clients.alice.get(f"/api/ai_agents/{agent_id}").json["model_config"]["temperature"] == 1.0


@pytest.mark.parametrize("key", ["base_url", "provider", "tools", "api_key"])
def test_r1_a_run_names_no_url_and_no_key(alice: Any, clients: Clients, upstream: Upstream, key: str) -> None:
    """Neither among the parameters nor beside them; the message stands at the key."""
    agent_id = upstream_agent(clients.alice, upstream)
    answer = run(alice.http, agent_id, overrides={key: "http://169.254.169.254"})
    assert (answer.status_code, list(answer.json["details"]["overrides"])) == (422, [key])
    assert run(alice.http, agent_id, **{key: "x"}).status_code == 422
    assert upstream.requests == []


def test_a_user_runs_agents_as_they_are(bob: Any, clients: Clients) -> None:
    """bob may use the page; other parameters are refused, and the page does not offer them."""
    agent_id = make_agent(clients.alice)["id"]
    assert events_of(run(bob.http, agent_id).text)[-1][0] == "done"
    refused = run(bob.http, agent_id, overrides={"system_prompt": "Ignore the rules."})
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert bob.get(f"/playground/parameters/?agent={agent_id}").status_code == 403
    assert "data-parameters" not in bob.get("/playground/").text
    assert len(logs(clients)) == 1


def test_another_tenants_agent_is_as_absent(charlie: Any, alice: Any, clients: Clients) -> None:
    """For charlie every door to acme's agent answers as for an id that never was; search does not find it."""
    acmes, absent = make_agent(clients.alice, "Acme's own")["id"], str(uuid4())

    def answers(agent_id: str) -> list[tuple[int, str]]:
        found = [
            charlie.get(f"/playground/?agent={agent_id}"),
            charlie.get(f"/playground/?compare={agent_id}"),
            charlie.get(f"/playground/parameters/?agent={agent_id}"),
            run(charlie.http, agent_id),
            run(charlie.http, agent_id, overrides={"top_p": 0.5}),
        ]
        return [(answer.status_code, answer.text.replace(agent_id, "ID")) for answer in found]

    theirs, nobodys = answers(acmes), answers(absent)
    assert [code for code, _ in theirs] == [404] * 5
    assert [text for _, text in theirs[2:]] == [text for _, text in nobodys[2:]]
    assert charlie.get("/playground/agents/?q=acme").json == {"items": [], "more": False}
    assert "Acme" not in charlie.get("/playground/").text
    assert alice.get(f"/playground/?agent={acmes}").status_code == 200


def test_a_runs_figures_are_its_readers_alone(
    alice: Any, charlie: Any, bob: Any, clients: Clients, upstream: Upstream
) -> None:
    """What a run took that ended early is told to who may see its log; for others there is none."""
    upstream.behave(status(401))
    answer = run(alice.http, upstream_agent(clients.alice, upstream))
    assert b"event: error" in answer.data
    log_id = answer.headers["X-AIAgents-Log"]
    path = f"/playground/figures/?log={log_id}"
    assert alice.get(path).json["status"] == "error"
    assert [who.get(path).status_code for who in (charlie, bob)] == [404, 404]
    assert alice.get("/playground/figures/?log=x").status_code == 404


def test_r24_a_forged_post_runs_nothing(alice: Any, clients: Clients) -> None:
    """Without the page's token, or from another site, nothing runs; a GET runs nothing either."""
    agent_id = make_agent(clients.alice)["id"]
    assert run(alice.http, agent_id, token="").status_code == 403
    assert run(alice.http, agent_id, token="x" * 40).status_code == 403
    headers = {"X-CSRF-Token": token_of(alice.http), "Sec-Fetch-Site": "cross-site"}
    body = {"agent": agent_id, "input": "Hi"}
    assert alice.http.post(RUN, json=body, headers=headers).status_code == 403
    assert alice.http.get(f"{RUN}?agent={agent_id}&input=Hi").status_code == 405
    assert logs(clients) == []


def test_nobody_is_told_to_log_in(host: Flask, alice: Any, clients: Clients) -> None:
    """A script of a page whose login ended hears a 401 with a hint, and runs nothing."""
    agent_id = make_agent(clients.alice)["id"]
    answer = run(client_as(host, None), agent_id, token=token_of(alice.http))
    assert answer.status_code == 401
    assert answer.json["hint"]
    assert logs(clients) == []


def test_the_page_offers_what_can_be_run(alice: Any, clients: Clients) -> None:
    """Search finds agents by name, whatever the case; inactive ones say why they cannot be chosen."""
    make_agent(clients.alice, "Sales helper")
    make_agent(clients.alice, "Sales archive", status="inactive")
    make_agent(clients.root, "Shared sales")
    make_agent(clients.alice, "Other")
    found = alice.get("/playground/agents/?q=SALES").json
    assert [item["name"] for item in found["items"]] == ["Sales archive", "Sales helper", "Shared sales"]
    assert [bool(item["refused"]) for item in found["items"]] == [True, False, False]
    assert "inactive" in found["items"][0]["refused"]
    assert not found["more"]


def test_many_agents_are_offered_in_part(alice: Any, clients: Clients) -> None:
    """The list is short whatever there is, and says that there are more."""
    clients.alice.post(
        "/api/ai_agents",
        json=[{"name": f"A{n}", "model_config": {"provider": "offline", "model": "offline"}} for n in range(30)],
    )
    found = alice.get("/playground/agents/").json
    assert (len(found["items"]), found["more"]) == (20, True)


def test_the_address_names_who_is_talked_to(alice: Any, clients: Clients) -> None:
    """?agent= and ?compare= choose; without them it is the newest active agent; what is no id is a 404 page."""
    first, second = make_agent(clients.alice, "First")["id"], make_agent(clients.alice, "Second")["id"]
    make_agent(clients.alice, "Sleeping", status="inactive")
    chosen = data_of(alice.get(f"/playground/?agent={first}&compare={second}").text)["agents"]
    assert [agent["id"] for agent in chosen] == [first, second]
    assert [agent["id"] for agent in data_of(alice.get("/playground/").text)["agents"]] == [second]
    assert data_of(alice.get(f"/playground/?agent={first}&compare=").text)["agents"][1] is None
    assert alice.get("/playground/?agent=nonsense").status_code == 404


def test_an_empty_playground_says_what_to_do_first(alice: Any, clients: Clients) -> None:
    """Without agents: create one. With inactive ones alone: activate one."""
    assert "Create the first agent" in alice.get("/playground/").text
    make_agent(clients.alice, status="inactive")
    assert "No agent is active" in alice.get("/playground/").text


def test_the_parameters_are_the_ones_in_force(alice: Any, panel: Callable[..., Any], clients: Clients) -> None:
    """They are the agent's own, overlaid by the tenant's configuration; nothing else of the agent is told."""
    model = {"provider": "offline", "model": "offline", "temperature": 1.0, "system_prompt": "Be brief."}
    agent_id = make_agent(clients.root, model_config=model)["id"]
    clients.alice.put(f"/api/ai_agents/{agent_id}/configuration", json={"configuration": {"temperature": 0.5}})
    own = {"max_tokens": None, "top_p": None, "stop": None, "system_prompt": "Be brief."}
    path = f"/playground/parameters/?agent={agent_id}"
    assert alice.get(path).json == {"temperature": 0.5} | own
    assert panel(CHARLIE).get(path).json == {"temperature": 1.0} | own
    assert panel(ROOT).get(path).json == {"temperature": 1.0} | own


XSS = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_r23_names_cannot_leave_their_place(alice: Any, clients: Clients) -> None:
    """An agent's name that is markup is nowhere in the page as markup."""
    agent_id = make_agent(clients.alice, XSS)["id"]
    page = alice.get(f"/playground/?agent={agent_id}").text
    assert data_of(page)["agents"][0]["name"] == XSS
    assert "<img src=x" not in page
    assert "<script>alert" not in page


def test_a_tools_steps_are_told(tmp_path: Any) -> None:
    """What a tool was called with and said comes in the stream, and the tool acts for who asked."""
    aiagents = AIAgents()

    @aiagents.tool
    def order_status(order_id: int) -> str:
        """The status of an order."""
        return f"order {order_id} is on its way"

    host = make_host(f"sqlite:///{tmp_path}/tools.db", aiagents=aiagents)
    client = client_as(host, ALICE)
    model = {"provider": "offline", "model": "offline", "tools": ["order_status"]}
    agent_id = UUID(make_agent(client, model_config=model)["id"])
    events = dict(events_of(run(client, agent_id, "The order status of 1001?").text))
    assert events["tool_call"]["arguments"] == {"order_id": 1001}
    assert events["tool_result"]["result"] == "order 1001 is on its way"
    assert events["done"]["tool_calls"][0]["name"] == "order_status"
