"""From a question in the playground to its log, the log's filters and its file, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Page, expect
from support.browser import PageFor
from support.cast import make_agent
from support.csv_files import rows_of
from support.live import Live, live
from upstream import Call, Upstream, say, status

from flask_aiagents import AIAgents


@pytest.fixture
def live_host(tmp_path: Path) -> Iterator[Live]:
    """A host that gives agents a tool."""
    aiagents = AIAgents()

    @aiagents.tool
    def order_status(order_id: int) -> str:
        """The status of an order."""
        return f"=order {order_id} was shipped"

    with live(f"sqlite:///{tmp_path}/live.db", aiagents=aiagents) as host:
        yield host


@pytest.fixture
def desk(live_host: Live, upstream: Upstream) -> dict[str, Any]:
    """An agent with a tool, on a provider that can be told what to say."""
    model = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "base_url": upstream.base_url,
        "tools": ["order_status"],
    }
    agent = make_agent(live_host.clients.alice, "Order desk", model_config=model)
    key = {"api_key": "sk-12345678"}
    assert live_host.clients.alice.put(f"/api/ai_agents/{agent['id']}/credential", json=key).status_code == 200
    return agent


def ask(page: Page, words: str) -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Send").click()


def rows(page: Page) -> Any:
    """The rows of the log."""
    return page.get_by_role("table", name="Activity").locator("tbody tr")


def test_a_run_its_log_and_the_way_between_them(
    live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor
) -> None:
    """Run it from the list, see the answer come, open its log: request, tool call, answer, cost; and go back."""
    upstream.script(say(calls=(Call("order_status", {"order_id": 1001}),)), say("It was **shipped**.", delay=0.05))
    page = page_for("alice")
    page.get_by_role("link", name="Run Order desk").click()
    ask(page, "Where is 1001?")
    answer = page.get_by_role("article", name="Answer")
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(answer.locator(".aia-markdown strong")).to_have_text("shipped")
    answer.get_by_role("link", name="Log").click()
    main = page.get_by_role("main")
    for words in ("Where is 1001?", "order_status", "It was **shipped**.", "gpt-4o-mini", "success", "$0.0000"):
        expect(main).to_contain_text(words, ignore_case=True)
    main.get_by_role("link", name="Order desk").click()
    expect(page.get_by_role("heading", name="Order desk")).to_be_visible()
    expect(page.get_by_role("region", name="Recent activity").get_by_role("listitem")).to_have_count(1)


def test_stop_cancels_the_run_and_its_log_says_so(
    live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor
) -> None:
    """The provider is hung up on, and the log is found among the cancelled ones."""
    upstream.behave(say("word " * 400, delay=0.02))
    page = page_for("alice", f"/playground/?agent={desk['id']}")
    ask(page, "Go on for ever")
    answer = page.get_by_role("article", name="Answer")
    expect(answer).to_contain_text("word word")
    page.get_by_role("button", name="Stop").click()
    expect(answer.get_by_text("Stopped")).to_be_visible()
    assert upstream.wait_closed()
    page.goto(f"{live_host.url}{live_host.panel}/activity/?status=cancelled", wait_until="load")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Order desk")


def asked(host: Live, desk: dict[str, Any], upstream: Upstream) -> None:
    """Two good runs of alice's, one of bob's that failed, and one of globex's."""
    upstream.answer("Fine.")
    run = f"/api/ai_agents/{desk['id']}/execute"
    for words in ("=1+1", "Second"):
        assert host.clients.alice.post(run, json={"input": words}).status_code == 200
    upstream.behave(status(401))
    assert host.clients.bob.post(run, json={"input": "Third"}).status_code == 502
    adviser = make_agent(host.clients.charlie, "Adviser")
    answer = host.clients.charlie.post(f"/api/ai_agents/{adviser['id']}/execute", json={"input": "Globex's own"})
    assert answer.status_code == 200


def test_the_log_is_filtered(live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor) -> None:
    """By action, outcome, user and period; together they narrow further, and Reset shows all."""
    asked(live_host, desk, upstream)
    page = page_for("alice", "/activity/")
    page.get_by_label("Action").select_option("execute")
    expect(rows(page)).to_have_count(3)
    page.get_by_label("Status").select_option("error")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("bob")
    page.get_by_role("link", name="Reset").click()
    page.get_by_label("User id").fill("alice")
    page.get_by_label("Period").select_option("24h")
    page.get_by_label("Action").select_option("execute")
    expect(rows(page)).to_have_count(2)
    assert not rows(page).filter(has_text="bob").count()
    page.goto(f"{live_host.url}{live_host.panel}/activity/?from=2001-01-01&to=2001-12-31")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def downloaded(page: Page, name: str) -> tuple[Download, str]:
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    return download.value, Path(download.value.path()).read_text(encoding="utf-8")


def test_r26_what_is_filtered_is_exported(
    live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor
) -> None:
    """The same rows as CSV, whose cells no spreadsheet takes for formulas, and as JSON lines, as they are."""
    asked(live_host, desk, upstream)
    page = page_for("alice", "/activity/?action=execute&status=success")
    file, text = downloaded(page, "Export CSV")
    assert file.suggested_filename.endswith(".csv")
    table = rows_of(text)
    assert [(row["user_id"], row["status"], row["agent_name"]) for row in table] == [
        ("alice", "success", "Order desk")
    ] * 2
    assert not [cell for row in table for cell in row.values() if re.match(r"[=+@\t\r-]", cell)]
    file, text = downloaded(page, "Export JSON lines")
    assert file.suggested_filename.endswith((".jsonl", ".ndjson"))
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["request_data"]["input"][0]["content"] for line in lines} == {"=1+1", "Second"}


def test_errors_are_grouped_and_lead_to_their_logs(
    live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor
) -> None:
    """The kind, how often, what to do; and from there to the logs."""
    asked(live_host, desk, upstream)
    page = page_for("alice", "/errors/")
    kind = page.get_by_role("row").filter(has_text="authentication")
    expect(kind).to_contain_text("1")
    kind.get_by_role("link").first.click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("authentication")


@pytest.mark.parametrize(("name", "count"), [("bob", 1), ("charlie", 1), ("root", 4)])
def test_who_sees_what_of_the_log(
    live_host: Live, desk: dict[str, Any], upstream: Upstream, page_for: PageFor, name: str, count: int
) -> None:
    """bob his own, charlie globex's, root all; in the list and in the file."""
    asked(live_host, desk, upstream)
    page = page_for(name, "/activity/?action=execute")
    expect(rows(page)).to_have_count(count)
    _, text = downloaded(page, "Export JSON lines")
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == count
    if name != "root":
        assert {line["tenant_id"] for line in lines} == {"acme" if name == "bob" else "globex"}
