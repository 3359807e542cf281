from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, Clients, make_agent
from support.csv_files import rows_of
from support.logs import begin, execution
from support.panel import PanelClient

from flask_aiagents.core.clock import utcnow

NOW = utcnow()


def ids(panel: PanelClient, query: str = "") -> list[str]:
    """The logs of the list, in its order."""
    response = panel.get(f"/activity/?{query}")
    assert response.status_code == 200, response.text
    return re.findall(r'data-id="([^"]+)"', response.text)


def detail(panel: PanelClient, log_id: UUID | str) -> Any:
    return panel.get(f"/activity/details/?id={log_id}")


def post_log(client: Any, **values: Any) -> str:
    """A log that a client keeps of itself; its id."""
    response = client.post(
        "/api/ai_agent_activity_logs", json={"action": "looked_up", "status": "success"} | values
    )
    assert response.status_code == 201, response.text
    return response.json["id"]


@pytest.fixture
def logs(host: Flask, clients: Clients) -> dict[str, str]:
    """Logs of every kind by a word for each, the newest last, and the agent's id."""
    desk = make_agent(clients.alice, "Desk")
    other = make_agent(clients.charlie, "Globex's")
    [created] = clients.alice.get("/api/ai_agent_activity_logs").json
    found: dict[str, Any] = {"desk": desk["id"], "create": created["id"]}
    ends: dict[str, Any] = {
        "old": {"principal": ALICE, "at": NOW - timedelta(days=20)},
        "days": {"principal": ALICE, "at": NOW - timedelta(days=3)},
        "ran": {"principal": BOB, "at": NOW - timedelta(minutes=5)},
        "failed": {
            "principal": ALICE,
            "status": "error",
            "error": "rate_limited",
            "at": NOW - timedelta(minutes=4),
        },
    }
    for word, end in ends.items():
        found[word] = execution(host, desk["id"], **end)
    found["running"] = begin(host, desk["id"], principal=ALICE)
    found["posted"] = post_log(clients.alice, agent_id=desk["id"], error="=1+1")
    found["globex"] = execution(host, other["id"], principal=CHARLIE)
    return {word: str(id_) for word, id_ in found.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "posted running create failed ran days old"),
        ("last=24h", "posted running create failed ran"),
        ("last=7d", "posted running create failed ran days"),
        ("from={20d}&to={20d}", "old"),
        ("from={3d}", "posted running create failed ran days"),
        ("to={3d}", "days old"),
        ("status=error", "failed"),
        ("status=running", "running"),
        ("action=create", "create"),
        ("action=execute&status=success", "ran days old"),
        ("error=rate_limited", "failed"),
        ("error=running", "running"),
        ("agent_id={desk}", "posted running create failed ran days old"),
        ("user_id=bob", "ran"),
        ("source=client", "posted"),
        ("source=system&action=execute&user_id=alice&last=7d", "running failed days"),
        ("tenant_id=globex", "posted running create failed ran days old"),
        ("status=success&error=nothing", ""),
    ],
)
def test_each_filter_narrows_the_list(alice: PanelClient, logs: dict[str, str], query: str, found: str) -> None:
    """To the logs that it names, the newest first; the tenant's filter is the operator's alone."""
    days = {f"{n}d": f"{NOW - timedelta(days=n):%Y-%m-%d}" for n in (3, 20)}
    listed = ids(alice, query.format(**days, desk=logs["desk"]))
    assert listed == sorted((logs[word] for word in found.split()), reverse=True)


def test_each_sees_its_own(
    bob: PanelClient, charlie: PanelClient, root: PanelClient, logs: dict[str, str]
) -> None:
    """bob his own, charlie his tenant's, root all and each tenant's."""
    assert ids(bob) == [logs["ran"]]
    assert ids(bob, "user_id=alice") == []
    assert logs["globex"] in ids(charlie)
    assert not {logs["ran"], logs["posted"]} & set(ids(charlie))
    assert {logs["globex"], logs["ran"]} <= set(ids(root))
    assert set(ids(root, "tenant_id=globex")) == set(ids(charlie))


@pytest.mark.parametrize(
    "query",
    [
        *(
            "agent_id=abc",
            "agent_id=%00",
            "from=zz",
            "to=zz",
            "last=1x",
            "last=99999999999d",
            "last=-1d",
            "last=0d",
        ),
        *("from=2026-02-30", "to=9999-12-31", "from=2026-03-02&to=2026-03-01", "from=0001-01-01"),
        *("user_id=%00", "status=%00", "action=%00", "source=%00", "error=%00", "agent_id=" + "9" * 300),
    ],
)
@pytest.mark.usefixtures("logs")
def test_nonsense_in_a_filter_is_told(alice: PanelClient, query: str) -> None:
    """As a page that says what is wrong, of the list and of the export."""
    for path in ("/activity/", "/activity/export/"):
        response = alice.get(f"{path}?{query}")
        assert response.status_code == 400, response.text
        assert "aia-empty" in response.text


@pytest.mark.parametrize(
    "query", ["page=-5", "page_size=1000000000", "page_size=-1", "page=x&sort=x&desc=x", "status=nothing", "x=y"]
)
def test_the_rest_of_an_address_is_clamped(alice: PanelClient, logs: dict[str, str], query: str) -> None:
    """It breaks nothing, and asks for no more than a page."""
    assert ids(alice, query) in ([], ids(alice))
    assert len(logs) > 2


def test_pages_have_each_log_once(clients: Clients, alice: PanelClient) -> None:
    """The newest first."""
    made = [{"action": "import", "status": "success", "error": str(n)} for n in range(45)]
    clients.alice.post("/api/ai_agent_activity_logs", json=made)
    seen: list[str] = []
    url = "/activity/?action=import"
    while url:
        page = alice.get(url).text
        seen += re.findall(r'data-id="([^"]+)"', page)
        following = re.search(r'rel="next" href="/aiagents([^"]+)"', page)
        url = unescape(following[1]) if following else ""
    assert len(seen) == len(set(seen)) == 45
    assert seen == sorted(seen, reverse=True)


def test_a_run_is_told_whole(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """What was asked and answered, tools, attempts, figures, and the way to its agent and neighbours."""
    desk = make_agent(clients.alice, "Desk")
    call = {"id": "1", "name": "order_status", "arguments": {"order": 7}, "result": "sent", "error": None}
    attempt = {"provider": "openai", "model": "gpt-4o", "duration_ms": 80, "usage": None, "error": "upstream"}
    before = execution(host, desk["id"], principal=BOB)
    log = execution(
        host,
        desk["id"],
        principal=BOB,
        response_data={"output": "It is sent.", "tool_calls": [call | {"duration_ms": 3}]},
        attempts=[attempt | {"cost_usd": None, "estimated": False}],
    )
    after = execution(host, desk["id"], principal=BOB)
    page = detail(alice, log).text
    for text in (
        "hi</pre>",
        "It is sent.",
        "order_status",
        "gpt-4o",
        "upstream",
        "3 + 4",
        "$0.10",
        "12 ms",
        str(log),
    ):
        assert text in page, text
    assert f'href="/aiagents/agents/details/?id={desk["id"]}"' in page
    assert f'rel="prev" href="/aiagents/activity/details/?id={after}"' in page
    assert f'rel="next" href="/aiagents/activity/details/?id={before}"' in page


def test_changes_are_told(clients: Clients, alice: PanelClient) -> None:
    """What an agent was made of and changed to."""
    agent = make_agent(clients.alice, "Desk")
    clients.alice.patch(f"/api/ai_agents/{agent['id']}", json={"description": "Knows more."})
    update, create = ids(alice)
    assert "Changed to" in detail(alice, create).text
    assert "Knows more." in detail(alice, update).text


def test_a_failure_says_what_to_do(alice: PanelClient, logs: dict[str, str]) -> None:
    """As its kind is; a run that goes on says so."""
    assert "The provider wants fewer requests." in detail(alice, logs["failed"]).text
    assert "Still running." in detail(alice, logs["running"]).text


@pytest.mark.parametrize(
    "data",
    [
        *(
            "text",
            5,
            None,
            [],
            [1, None],
            {"a": None},
            {"output": None},
            {"output": {"x": [1]}},
            {"truncated": True},
        ),
        *(
            {"tool_calls": value}
            for value in (5, "abc", {}, [1, None, "x"], [{}], [{"duration_ms": "x", "name": []}])
        ),
        *({"input": value} for value in (5, [1], [{"role": 5, "content": "x"}], [{"content": 5}], {})),
        *({"message": {"x": 1}}, {"overrides": 5}, {"truncated": "x", "bytes": {}}, {"items": 1, "get": 2}),
    ],
)
@pytest.mark.parametrize("status", ["success", "error"])
def test_what_a_client_recorded_has_any_shape(
    clients: Clients, alice: PanelClient, data: Any, status: str
) -> None:
    """Its page opens all the same."""
    log = post_log(clients.alice, action="execute", status=status, request_data=data, response_data=data)
    response = detail(alice, log)
    assert response.status_code == 200
    assert "by a client" in response.text


def test_a_long_payload_says_that_it_was_cut(clients: Clients, alice: PanelClient) -> None:
    """With the beginning and the size of the whole."""
    log = post_log(clients.alice, request_data={"text": "x" * 100_000})
    page = detail(alice, log).text
    assert "Only the beginning was kept; the whole was 100012 bytes." in page


def test_the_log_of_an_agent_that_is_gone(host: Flask, clients: Clients, alice: PanelClient) -> None:
    """It stays, with the agent's name and no dead link."""
    agent = make_agent(clients.alice, "Desk")
    log = execution(host, agent["id"], principal=ALICE)
    clients.alice.delete(f"/api/ai_agents/{agent['id']}")
    page = detail(alice, log).text
    assert "The agent is gone; its log stays." in page
    assert "Helper" in page
    assert f"/agents/details/?id={agent['id']}" not in page


def test_r14_anothers_log_is_absent(bob: PanelClient, charlie: PanelClient, logs: dict[str, str]) -> None:
    """In the very words of one that was never there."""
    never = "0190f3c2-7b1c-7cc3-98c4-dc0c0c07398f"
    for panel, foreign in ((bob, logs["failed"]), (bob, logs["globex"]), (charlie, logs["ran"])):
        there, absent = detail(panel, foreign), detail(panel, never)
        assert (there.status_code, absent.status_code) == (404, 404)
        assert said(there.text).replace(foreign, "") == said(absent.text).replace(never, "")


def said(page: str) -> str:
    """What an error's page says."""
    return page.partition("aia-empty")[2].partition("</div>")[0]


@pytest.mark.parametrize("bad", ["abc", "", "%00", "9" * 400, "-1"])
def test_what_is_no_id_is_absent(alice: PanelClient, bad: str) -> None:
    """Never an error of ours."""
    assert detail(alice, bad).status_code == 404


@pytest.mark.parametrize(
    "query", ["", "status=success&action=execute", "user_id=bob", "last=24h", "error=nothing"]
)
def test_the_export_is_the_list(alice: PanelClient, logs: dict[str, str], query: str) -> None:
    """The links beside the list keep its filter; both files have its rows in its order."""
    page = alice.get(f"/activity/?{query}").text
    urls = {
        kind: unescape(re.findall(rf'href="/aiagents(/activity/export/\?[^"]*format={kind}[^"]*)"', page)[0])
        for kind in ("csv", "jsonl")
    }
    table = rows_of(alice.get(urls["csv"]).text)
    lines = [json.loads(line) for line in alice.get(urls["jsonl"]).text.splitlines()]
    assert [row["id"] for row in table] == [row["id"] for row in lines] == ids(alice, query)
    assert len(logs) > 2


def test_r26_formulas_are_neutral_in_the_export(clients: Clients, alice: PanelClient) -> None:
    """A spreadsheet takes none of what people wrote for one."""
    words = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
    for word in words:
        post_log(clients.alice, error=word, model=word)
    response = alice.get("/activity/export/?format=csv")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Cache-Control"] == "no-store"
    for row in rows_of(response.text):
        assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


def test_the_export_is_as_narrow_as_the_list(bob: PanelClient, charlie: PanelClient, logs: dict[str, str]) -> None:
    """bob exports his own, and nobody another tenant's."""
    assert [json.loads(line)["id"] for line in bob.get("/activity/export/?format=jsonl").text.splitlines()] == [
        logs["ran"]
    ]
    assert logs["ran"] not in charlie.get("/activity/export/?" + urlencode({"tenant_id": "acme"})).text


def test_an_unknown_format_is_told(alice: PanelClient) -> None:
    """As a page."""
    assert alice.get("/activity/export/?format=xlsx").status_code == 400


def test_no_activity_yet(alice: PanelClient) -> None:
    """It says what leaves an entry here."""
    assert "Every run and every change leaves an entry here." in alice.get("/activity/").text
