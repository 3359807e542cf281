"""The playground in a real browser, against a real server and a provider that streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from support.axe import set_theme, violations
from support.browser import PageFor
from support.cast import Clients, make_agent
from support.live import Live, live
from upstream import Call, Upstream, say, stall, status

from flask_aiagents import AIAgents

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

XSS = "<img src=x onerror=window.hit=1><script>window.hit=1</script>[x](javascript:window.hit=1)"


@pytest.fixture
def live_host(tmp_path: Path) -> Iterator[Live]:
    """A served host with a tool."""
    aiagents = AIAgents()

    @aiagents.tool
    def order_status(order_id: int) -> str:
        """The status of an order."""
        return f"order {order_id}: {XSS}"

    with live(f"sqlite:///{tmp_path}/live.db", aiagents=aiagents) as host:
        yield host


@pytest.fixture
def clients(live_host: Live) -> Clients:
    return live_host.clients


def upstream_agent(client: Any, upstream: Upstream, name: str = "Streamer", **config: Any) -> str:
    model = {"provider": "openai", "model": "gpt-4o-mini", "base_url": upstream.base_url} | config
    agent = make_agent(client, name, model_config=model)
    client.put(f"/api/ai_agents/{agent['id']}/credential", json={"api_key": "sk-12345678"})
    return agent["id"]


def logs(clients: Clients) -> list[dict[str, Any]]:
    return clients.root.get("/api/ai_agent_activity_logs?action=eq.execute&order=created_at.desc").json


def ended(clients: Clients, count: int = 1) -> list[dict[str, Any]]:
    """The executions, once so many are at an end."""
    until = time.monotonic() + 15
    while sum(log["status"] != "running" for log in logs(clients)) < count:
        assert time.monotonic() < until, logs(clients)
        time.sleep(0.05)
    return logs(clients)


def ask(page: Page, words: str) -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_label("Message").press("Enter")


def answer(page: Page, index: int = -1) -> Locator:
    found = page.locator(".aia-answer")
    return found.last if index < 0 else found.nth(index)


def test_an_answer_appears_piece_by_piece(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """Words show as they come; in the end there are markdown, figures, a link to the log, a copy button."""
    upstream.behave(say("**One** two three four five six seven `eight`.", delay=0.3))
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    ask(page, "Count, please")
    expect(page.locator(".aia-question")).to_contain_text("Count, please")
    expect(answer(page)).to_contain_text("two")
    assert "seven" not in answer(page).inner_text()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert answer(page).get_attribute("aria-busy") == "true"
    expect(answer(page).locator("code")).to_have_text("eight")
    expect(answer(page).locator("strong").first).to_have_text("One")
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    (log,) = ended(clients)
    expect(answer(page).locator(".aia-num")).to_contain_text("11 + 7 tokens · $0.0000")
    expect(answer(page).locator(".aia-num")).to_contain_text("openai / gpt-4o-mini")
    expect(answer(page).get_by_role("button", name="Copy")).to_be_visible()
    answer(page).get_by_role("link", name="Log").click()
    page.wait_for_url(f"**/activity/details/?id={log['id']}")
    expect(page.locator("main")).to_contain_text("Count, please")


def test_the_conversation_goes_on(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """What was said goes along with the next question, until a new conversation is begun."""
    upstream.answer("Yes.")
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    for words in ("One", "Two"):
        ask(page, words)
        expect(page.locator('.aia-answer[aria-busy="false"]')).to_have_count(1 if words == "One" else 2)
    said = [turn["content"] for turn in upstream.requests[1].json["messages"]]
    assert said == ["One", "Yes.", "Two"]
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".aia-answer")).to_have_count(0)
    ask(page, "Three")
    expect(page.locator('.aia-answer[aria-busy="false"]')).to_have_count(1)
    assert [turn["content"] for turn in upstream.requests[2].json["messages"]] == ["Three"]


@pytest.mark.parametrize("by", ["button", "key"])
def test_stop_cancels(page_for: PageFor, clients: Clients, upstream: Upstream, by: str) -> None:
    """The provider's answer is cut off, the log is cancelled with its tokens, what had come stays, marked."""
    upstream.behave(say("word " * 400, delay=0.02))
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    ask(page, "Go on for ever")
    expect(answer(page)).to_contain_text("word word")
    if by == "key":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Stop").click()
    expect(answer(page).get_by_text("Stopped")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    (log,) = ended(clients)
    assert (log["status"], log["output_tokens"] > 0) == ("cancelled", True)
    assert upstream.wait_closed()
    expect(answer(page)).to_contain_text("word word")
    expect(answer(page)).to_contain_text(f"+ {log['output_tokens']} tokens · $")
    assert str(answer(page).get_by_role("link", name="Log").get_attribute("href")).endswith(log["id"])


def test_stop_before_the_first_word_cancels(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """A silent provider is hung up on as well, within seconds, and the page already knows the log."""
    upstream.behave(stall(""))
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    ask(page, "Hello?")
    expect(answer(page).get_by_role("link", name="Log")).to_be_visible()
    stopped = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    expect(answer(page).get_by_text("Stopped")).to_be_visible()
    (log,) = ended(clients)
    assert log["status"] == "cancelled"
    assert time.monotonic() - stopped < 4
    assert upstream.wait_closed()


def test_r23_what_models_and_tools_say_is_inert(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """Markup in the answer and in a tool's arguments and result stays text; steps can be opened and read."""
    upstream.script(
        say(calls=(Call("order_status", {"order_id": 1001}),)),
        say(f"{XSS}\n\n- {XSS}\n\n| {XSS} |\n|---|\n| {XSS} |\n\n```{XSS}\n{XSS}\n```"),
    )
    page = page_for(
        "alice", f"/playground/?agent={upstream_agent(clients.alice, upstream, name=XSS, tools=['order_status'])}"
    )
    ask(page, XSS)
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    step = answer(page).locator(".aia-step")
    expect(step.locator("summary")).to_contain_text("order_status")
    expect(step.locator("summary")).to_contain_text("ms")
    step.locator("summary").click()
    expect(step).to_contain_text('"order_id": 1001')
    expect(step).to_contain_text(f"order 1001: {XSS}")
    expect(answer(page).locator(".aia-markdown td")).to_contain_text("<img src=x")
    assert page.evaluate("window.hit ?? null") is None
    assert page.locator(".aia-talk img, .aia-talk script, .aia-talk a[href^=javascript]").count() == 0


def test_an_error_loses_no_text(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """The model's failure is told with its hint, the text is back in the field, and it can be tried again."""
    upstream.behave(status(401))
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    ask(page, "An important text")
    alert = answer(page).get_by_role("alert")
    expect(alert).to_contain_text("Check the credential")
    expect(answer(page).locator(".aia-num")).to_contain_text("openai / gpt-4o-mini")
    expect(page.get_by_label("Message")).to_have_value("An important text")
    expect(answer(page).get_by_role("link", name="Log")).to_be_visible()
    upstream.answer("Better now.")
    answer(page).get_by_role("button", name="Try again").click()
    expect(answer(page)).to_contain_text("Better now.")
    expect(page.locator(".aia-answer")).to_have_count(1)
    expect(page.get_by_label("Message")).to_have_value("")


def test_a_refusal_is_told_in_the_conversation(page_for: PageFor, clients: Clients) -> None:
    """An agent that was deactivated meanwhile says so, with a hint."""
    agent_id = make_agent(clients.alice)["id"]
    page = page_for("alice", f"/playground/?agent={agent_id}", tolerated=("409",))
    clients.alice.patch(f"/api/ai_agents/{agent_id}", json={"status": "inactive"})
    ask(page, "Hello")
    expect(answer(page).get_by_role("alert")).to_contain_text("Ask an admin to set its status to active.")
    expect(page.get_by_label("Message")).to_have_value("Hello")


def test_who_was_logged_out_is_told(page_for: PageFor, clients: Clients) -> None:
    """The text is not lost when the login ended."""
    make_agent(clients.alice)
    page = page_for("alice", "/playground/", tolerated=("401",))
    page.context.clear_cookies()
    ask(page, "Hello")
    expect(answer(page).get_by_role("alert")).to_contain_text("Log in")
    expect(page.get_by_label("Message")).to_have_value("Hello")


def test_other_parameters_are_tried(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """The form shows the agent's own, sends only what differs, can go back; what is wrong stands beside it."""
    agent_id = upstream_agent(clients.alice, upstream, temperature=1.5, system_prompt="Be brief.")
    page = page_for("alice", f"/playground/?agent={agent_id}", tolerated=("422",))
    page.get_by_role("button", name="Parameters").click()
    expect(page.get_by_label("Temperature")).to_have_value("1.5")
    expect(page.get_by_label("System prompt")).to_have_value("Be brief.")
    expect(page.get_by_role("button", name="Back to")).to_be_disabled()
    page.get_by_label("Temperature").fill("7")
    page.get_by_label("System prompt").fill("")
    ask(page, "Hello")
    expect(page.locator(".invalid-feedback")).to_contain_text("less than or equal to 2")
    expect(page.get_by_label("Temperature")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Temperature").fill("0.25")
    expect(page.locator(".invalid-feedback")).to_have_count(0)
    page.get_by_label("Message").press("Enter")
    expect(answer(page)).to_contain_text("Hello from upstream.")
    expect(answer(page)).to_contain_text("other parameters")
    assert upstream.requests[0].json["temperature"] == 0.25
    assert [turn["role"] for turn in upstream.requests[0].json["messages"]] == ["user"]
    assert ended(clients)[0]["request_data"]["overrides"] == {"temperature": 0.25, "system_prompt": None}
    page.get_by_role("button", name="Back to").click()
    expect(page.get_by_label("Temperature")).to_have_value("1.5")
    page.get_by_role("button", name="New conversation").click()
    ask(page, "Again")
    expect(answer(page)).to_contain_text("Hello from upstream.")
    assert upstream.requests[1].json["temperature"] == 1.5


def test_two_agents_are_compared(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """One prompt streams into two columns at the same time; one can fail without the other; stop stops both."""
    upstream.behave(say(lambda request: f"I am {request.json['model']} " * 20, delay=0.04))
    first = upstream_agent(clients.alice, upstream, "First")
    second = upstream_agent(clients.alice, upstream, "Second", model="gpt-4o")
    page = page_for("alice", f"/playground/?agent={first}&compare={second}")
    ask(page, "Who are you?")
    expect(answer(page, 0)).to_contain_text("I am gpt-4o-mini")
    expect(answer(page, 1)).to_contain_text("I am gpt-4o")
    assert [answer(page, index).get_attribute("aria-busy") for index in (0, 1)] == ["true", "true"]
    boxes = [page.locator(".aia-lane").nth(index).bounding_box() for index in (0, 1)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped")).to_have_count(2)
    assert [log["status"] for log in ended(clients, 2)] == ["cancelled", "cancelled"]
    page.set_viewport_size({"width": 880, "height": 900})
    boxes = [page.locator(".aia-lane").nth(index).bounding_box() for index in (0, 1)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] < boxes[1]["y"]


def test_one_of_two_may_fail(page_for: PageFor, clients: Clients, upstream: Upstream) -> None:
    """The other's answer is there all the same."""
    upstream.behave(status(401))
    make_agent(clients.alice, "Offline")
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream, 'Failing')}")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("combobox").nth(1).fill("off")
    page.get_by_role("option", name="Offline").click()
    ask(page, "Hello")
    expect(page.locator(".aia-lane").nth(0).get_by_role("alert")).to_be_visible()
    expect(page.locator(".aia-lane").nth(1)).to_contain_text("[offline model]")
    assert "compare=" in page.url
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".aia-lane")).to_have_count(1)


def test_an_agent_is_found_by_its_name(page_for: PageFor, clients: Clients) -> None:
    """By keyboard alone: type, go down, choose; inactive ones cannot be chosen; the address keeps the choice."""
    make_agent(clients.alice, "Archive", status="inactive")
    wanted = make_agent(clients.alice, "Archivist")["id"]
    make_agent(clients.alice, "Zoologist")
    page = page_for("alice", "/playground/")
    field = page.get_by_role("combobox", name="Agent")
    expect(field).to_have_value("Zoologist")
    field.fill("archi")
    expect(page.get_by_role("option")).to_have_count(2)
    field.press("Enter")
    expect(field).to_have_value("archi")
    field.press("ArrowDown")
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("Archivist")
    assert f"agent={wanted}" in page.url
    page.reload()
    expect(page.get_by_role("combobox", name="Agent")).to_have_value("Archivist")


def test_an_inactive_agent_says_why_it_cannot_run(page_for: PageFor, clients: Clients) -> None:
    """It is shown with the reason, and nothing is sent to it."""
    agent_id = make_agent(clients.alice, "Archive", status="maintenance")["id"]
    page = page_for("alice", f"/playground/?agent={agent_id}")
    expect(page.get_by_text("maintenance: only an active agent runs").first).to_be_visible()
    ask(page, "Hello")
    expect(page.get_by_role("combobox", name="Agent")).to_be_focused()
    expect(page.get_by_label("Message")).to_have_value("Hello")
    assert logs(clients) == []


def test_keys_of_the_field(page_for: PageFor, clients: Clients) -> None:
    """Shift+Enter begins a new line, Enter sends; an empty text is not sent."""
    make_agent(clients.alice)
    page = page_for("alice", "/playground/")
    field = page.get_by_label("Message")
    field.press("Enter")
    expect(page.locator(".aia-question")).to_have_count(0)
    field.press_sequentially("one")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    field.press("Enter")
    expect(page.locator(".aia-question")).to_have_text("You:one\ntwo")
    expect(field).to_have_value("")
    expect(answer(page)).to_have_attribute("aria-busy", "false")


def test_a_user_has_no_parameters(page_for: PageFor, clients: Clients) -> None:
    """bob talks to agents as they are."""
    make_agent(clients.alice)
    page = page_for("bob", "/playground/")
    expect(page.get_by_role("button", name="Parameters")).to_have_count(0)
    ask(page, "Hello")
    expect(answer(page)).to_contain_text("[offline model]")
    assert logs(clients)[0]["user_id"] == "bob"


def test_a_structured_answer_is_shown_as_json(page_for: PageFor, clients: Clients) -> None:
    """What output_schema describes is pretty-printed."""
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}}
    model = {"provider": "offline", "model": "offline", "output_schema": schema}
    page = page_for("alice", f"/playground/?agent={make_agent(clients.alice, model_config=model)['id']}")
    ask(page, "A colour")
    expect(answer(page).locator("pre")).to_have_text('{\n  "colour": "text"\n}')


def test_a_hostile_answer_does_not_freeze_the_page(
    page_for: PageFor, clients: Clients, upstream: Upstream
) -> None:
    """200 KB of open marks stream in and the page still answers."""
    upstream.answer(("**a[b](http://`c_d~~" * 50 + " ") * 200)
    page = page_for("alice", f"/playground/?agent={upstream_agent(clients.alice, upstream)}")
    ask(page, f"Go {uuid4()}")
    expect(answer(page)).to_have_attribute("aria-busy", "false", timeout=20_000)
    started = time.monotonic()
    page.evaluate("1 + 1")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_nothing_is_wider_than_the_page(
    page_for: PageFor, clients: Clients, upstream: Upstream, width: int
) -> None:
    """Long words, tables and code make no page scroll sideways."""
    upstream.answer("x" * 500 + "\n\n```\n" + "y" * 500 + "\n```\n\n|" + "z" * 200 + "|b|\n|-|-|\n|1|2|")
    page = page_for(
        "alice",
        f"/playground/?agent={upstream_agent(clients.alice, upstream)}",
        viewport={"width": width, "height": 900},
    )
    ask(page, "w" * 500)
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_conversation(
    page_for: PageFor, clients: Clients, upstream: Upstream, theme: str
) -> None:
    """Answers, steps, errors, the parameters and the open list of agents can be used by everybody."""
    upstream.script(
        say(calls=(Call("order_status", {"order_id": 1001}),)),
        say(
            "# Title\n\n### Deeper\n\n`code` [link](https://e.org)\n\n|a|b|\n|-|-|\n|1|2|\n\n```\nx\n```\n> quote"
        ),
        status(401),
    )
    agent_id = upstream_agent(clients.alice, upstream, tools=["order_status"])
    make_agent(clients.alice, "Archive", status="inactive")
    page = page_for("alice", f"/playground/?agent={agent_id}&compare=")
    page.get_by_role("button", name="Compare").click()
    set_theme(page, theme)
    for number, words in enumerate(("One", "Two"), 1):
        ask(page, words)
        expect(page.locator('.aia-answer[aria-busy="false"]')).to_have_count(number)
    page.get_by_role("button", name="Parameters").click()
    page.get_by_label("Temperature").fill("1")
    page.get_by_role("combobox", name="Agent").click()
    expect(page.get_by_role("option")).to_have_count(2)
    assert violations(page) == []
