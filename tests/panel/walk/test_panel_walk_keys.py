"""Keys, provider keys, configurations and the overview of tenants, in a real browser."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Locator, Page, expect
from support.browser import PageFor
from support.cast import make_agent
from support.live import Live

SECRET = "sk-canary-98765432"

REFUSED = ("status of 422",)


def rows(page: Page) -> Locator:
    return page.get_by_role("table").locator("tbody tr")


def yes(page: Page) -> None:
    """Answer the question that a button asks."""
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Yes, do it").click()


def test_an_api_key_from_its_making_to_its_end(live_host: Live, page_for: PageFor) -> None:
    """Its token is seen once and opens the API; nothing shows it again; revoked, it opens nothing."""
    page = page_for("alice", "/keys/", tolerated=REFUSED)
    page.get_by_role("link", name="key").filter(visible=True).last.click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Make the key").click()
    expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Name").fill("Till")
    form.get_by_label("Expires").select_option("")
    form.get_by_role("button", name="Make the key").click()
    token = page.locator("#new-token").inner_text()
    assert opens(live_host, token)
    page.get_by_role("link", name="Done").click()
    expect(rows(page).filter(has_text="Till")).to_contain_text("active", ignore_case=True)
    assert token not in page.content()
    page.goto(f"{live_host.url}{live_host.panel}/keys/?state=active")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Revoke Till").click()
    assert opens(live_host, token)
    yes(page)
    expect(rows(page).filter(has_text="Till")).to_have_count(0)
    page.goto(f"{live_host.url}{live_host.panel}/keys/?state=revoked")
    expect(rows(page)).to_contain_text("revoked", ignore_case=True)
    assert not opens(live_host, token)


def opens(host: Live, token: str) -> bool:
    answer = requests.get(f"{host.url}/api/ai_agents", headers={"X-API-Key": token}, timeout=10)
    return answer.status_code == 200


def test_a_provider_key_is_stored_and_never_shown(live_host: Live, page_for: PageFor) -> None:
    """What is wrong is told beside its field; its last characters tell which it is; removal is asked about."""
    page = page_for("alice", "/credentials/", tolerated=REFUSED)
    page.get_by_role("link", name="Store a key").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Provider").select_option("openai")
    form.get_by_label("API key").fill("short")
    form.get_by_role("button", name="Store the key").click()
    expect(form.get_by_label("API key")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("API key").fill(SECRET)
    form.get_by_role("button", name="Store the key").click()
    expect(rows(page)).to_contain_text("5432")
    assert SECRET not in page.content()
    expect(rows(page)).to_contain_text("https://api.openai.com")
    page.get_by_role("button", name="Remove the key for https://api.openai.com").click()
    assert len(live_host.clients.alice.get("/api/ai_agent_credentials").json) == 1
    yes(page)
    expect(page.get_by_role("table")).to_have_count(0)
    assert live_host.clients.alice.get("/api/ai_agent_credentials").json == []


def test_a_configuration_is_made_changed_and_removed(live_host: Live, page_for: PageFor) -> None:
    """Overrides of a shared agent: what is no JSON is kept and told of, the list shows what differs."""
    shared = make_agent(live_host.clients.root, "Helper")
    path = f"/api/ai_agents/{shared['id']}/configuration"
    page = page_for("alice", "/configurations/", tolerated=REFUSED)
    page.get_by_role("link", name="Override an agent").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Agent").select_option("Helper")
    overrides = form.get_by_label("Overrides", exact=True)
    overrides.fill('{"temperature": ')
    form.get_by_role("button", name="Save").click()
    expect(overrides).to_have_attribute("aria-invalid", "true")
    expect(overrides).to_have_value('{"temperature": ')
    overrides.fill('{"temperature": 0.2}')
    form.get_by_role("button", name="Save").click()
    expect(rows(page)).to_contain_text("temperature")
    assert live_host.clients.alice.get(path).json["configuration"] == {"temperature": 0.2}
    page.get_by_role("link", name="Edit Helper").click()
    form.get_by_label("Apply these overrides").uncheck()
    form.get_by_role("button", name="Save").click()
    expect(rows(page)).to_contain_text("inactive", ignore_case=True)
    assert live_host.clients.alice.get(path).json["is_active"] is False
    page.get_by_role("link", name="Edit Helper").click()
    form.get_by_role("button", name="Delete").click()
    yes(page)
    expect(page.get_by_role("table")).to_have_count(0)
    assert live_host.clients.alice.get(path).status_code == 404


def test_root_looks_over_the_tenants(live_host: Live, page_for: PageFor) -> None:
    """Each with its agents, runs and cost; from there to its agents and logs, and to acting for it."""
    for client, name in ((live_host.clients.alice, "Desk"), (live_host.clients.charlie, "Adviser")):
        agent = make_agent(client, name)
        assert client.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"}).status_code == 200
    page = page_for("root", "/tenants/")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("row", name="globex").get_by_role("link").first.click()
    expect(page.locator(".aia-name")).to_have_text("Adviser")
    page.goto(f"{live_host.url}{live_host.panel}/tenants/")
    page.get_by_role("button", name="Act for acme").click()
    expect(page.get_by_role("link", name="Acting for acme")).to_be_visible()
    page.goto(f"{live_host.url}{live_host.panel}/agents/")
    expect(page.locator(".aia-name")).to_have_text("Desk")


@pytest.mark.parametrize("name", ["alice", "charlie"])
def test_nobodys_keys_are_mixed(live_host: Live, page_for: PageFor, name: str) -> None:
    """Each tenant's admin sees and revokes its own alone."""
    for client, key in ((live_host.clients.alice, "Acme's till"), (live_host.clients.charlie, "Globex's till")):
        assert client.post("/api/ai_agent_api_keys", json={"name": key}).status_code == 201
    page = page_for(name, "/keys/")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Acme's till" if name == "alice" else "Globex's till")
