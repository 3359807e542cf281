from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests

TIMEOUT_S = 30


class Api:
    """The example's API as one of its people, by key."""

    def __init__(self, demo: dict[str, Any], name: str) -> None:
        self._url = demo["api"]
        self._headers = {"X-API-Key": demo["users"][name]["api_key"]}

    def get(self, path: str) -> requests.Response:
        return requests.get(self._url + path, headers=self._headers, timeout=TIMEOUT_S)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        return requests.post(self._url + path, json=body, headers=self._headers | headers, timeout=TIMEOUT_S)

    def agents(self) -> dict[str, str]:
        return {agent["name"]: agent["id"] for agent in self.get("/ai_agents").json()}


def log_in(demo: dict[str, Any], name: str, **headers: str) -> requests.Session:
    session = requests.Session()
    form = {"username": name, "password": demo["users"][name]["password"]}
    answer = session.post(demo["login"], data=form, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return session


def test_everyone_logs_in_and_sees_the_agents_of_their_tenant(demo: dict[str, Any]) -> None:
    """The home page lists own and shared agents, and no foreign ones; a super admin sees all."""
    pages = {name: log_in(demo, name).get(demo["url"], timeout=TIMEOUT_S).text for name in demo["users"]}
    for name in ("alice", "bob"):
        assert "Order desk" in pages[name]
        assert "Helpful assistant" in pages[name]
        assert "Book adviser" not in pages[name]
    assert "Book adviser" in pages["charlie"]
    assert "Order desk" not in pages["charlie"]
    assert "Book adviser" in pages["root"]
    assert "Order desk" in pages["root"]


def test_a_stranger_is_sent_to_the_login(demo: dict[str, Any]) -> None:
    """Pages redirect to the login form, a wrong password is refused, the API says 401 in JSON."""
    page = requests.get(demo["url"], timeout=TIMEOUT_S)
    assert urlsplit(page.url).path == "/login"
    assert 'name="username"' in page.text
    assert 'name="password"' in page.text
    wrong = requests.post(demo["login"], data={"username": "alice", "password": "x"}, timeout=TIMEOUT_S)
    assert wrong.status_code == 401
    api = requests.get(demo["api"] + "/ai_agents", timeout=TIMEOUT_S)
    assert (api.status_code, api.json()["code"]) == (401, "unauthorized")


def test_r24_another_sites_form_is_refused(demo: dict[str, Any]) -> None:
    """A form that says it comes from elsewhere logs nobody in or out and asks nothing."""
    form = {"username": "alice", "password": demo["users"]["alice"]["password"]}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert requests.post(demo["login"], data=form, headers=headers, timeout=TIMEOUT_S).status_code == 403
    session = log_in(demo, "alice", Origin=demo["url"])
    out = session.post(demo["url"] + "/logout", headers={"Origin": "https://evil.example"}, timeout=TIMEOUT_S)
    assert out.status_code == 403
    assert "Order desk" in session.get(demo["url"], timeout=TIMEOUT_S).text


def test_r25_the_login_leads_to_own_pages_only(demo: dict[str, Any]) -> None:
    """``next`` to another host is not followed."""
    form = {"username": "alice", "password": demo["users"]["alice"]["password"]}
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"):
        answer = requests.post(
            demo["login"], params={"next": target}, data=form, timeout=TIMEOUT_S, allow_redirects=False
        )
        assert answer.headers["Location"] == "/", target


def test_an_agent_is_asked_on_the_page(demo: dict[str, Any]) -> None:
    """The platform's own form runs the agent; its tool reads the tenant's own orders alone."""
    session = log_in(demo, "alice")
    page = f"{demo['url']}/agents/{Api(demo, 'alice').agents()['Order desk']}"
    own = session.post(page, data={"question": "The order status of 1001?"}, timeout=TIMEOUT_S)
    assert "shipped on Monday" in own.text
    foreign = session.post(page, data={"question": "The order status of 2001?"}, timeout=TIMEOUT_S)
    assert "There is no order 2001." in foreign.text
    assert log_in(demo, "charlie").get(page, timeout=TIMEOUT_S).status_code == 404


def test_an_agent_runs_plain_and_streamed_and_leaves_one_log_each(demo: dict[str, Any]) -> None:
    """Both ways give the same output; bob sees his own logs only, charlie none, root all."""
    alice, bob, charlie, root = (Api(demo, name) for name in ("alice", "bob", "charlie", "root"))
    agent = alice.post(
        "/ai_agents", {"name": "Echo", "model_config": {"provider": "offline", "model": "offline"}}
    ).json()
    path = f"/ai_agents/{agent['id']}/execute"
    plain = alice.post(path, {"input": "Hello!"}).json()
    streamed = alice.post(path, {"input": "Hello!"}, Accept="text/event-stream")
    assert streamed.headers["Content-Type"].startswith("text/event-stream")
    done = json.loads(streamed.text.strip().split("\n\n")[-1].split("data: ", 1)[1])
    assert done["output"] == plain["output"]
    bobs = bob.post(path, {"input": "Hi!"}).json()
    logs = f"/ai_agents/{agent['id']}/activity_logs?action=eq.execute"
    ids = {plain["log_id"], done["log_id"], bobs["log_id"]}
    assert {log["id"] for log in alice.get(logs).json()} == ids
    assert {log["id"] for log in root.get(logs).json()} == ids
    assert [log["id"] for log in bob.get(logs).json()] == [bobs["log_id"]]
    for hidden in (f"/ai_agents/{agent['id']}", *(f"/ai_agent_activity_logs/{log}" for log in ids)):
        assert charlie.get(hidden).status_code == 404
    assert bob.get(f"/ai_agent_activity_logs/{plain['log_id']}").status_code == 404


def test_the_session_cookie_serves_the_api_for_own_pages_alone(demo: dict[str, Any]) -> None:
    """A write by cookie needs a same-origin Origin; reads need none."""
    session = log_in(demo, "alice")
    url = demo["api"] + "/ai_agents"
    body = {"name": "By cookie", "model_config": {"provider": "offline", "model": "offline"}}
    assert session.get(url, timeout=TIMEOUT_S).status_code == 200
    assert session.post(url, json=body, timeout=TIMEOUT_S).status_code == 403
    own = session.post(url, json=body, headers={"Origin": demo["url"]}, timeout=TIMEOUT_S)
    assert own.status_code == 201
    assert own.json()["created_by"] == "alice"
