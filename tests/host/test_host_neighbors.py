"""Other extensions in the same app, as docs/recipes.md sets them up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_smorest
import pytest
from flask import Flask
from support.cast import ALICE, OFFLINE, Clients, make_agent
from support.hosts import close, make_host
from support.live import add_login
from support.panel import SAME_ORIGIN, PanelClient

from flask_aiagents.testing import client_as

RECIPES = Path(__file__).parents[2] / "docs" / "recipes.md"

AGENT = {"name": "Helper", "model_config": OFFLINE}


def recipe(title: str) -> list[str]:
    """The Python blocks below a heading."""
    section = RECIPES.read_text().split(f"\n## {title}")[1].split("\n## ")[0]
    return [part.split("\n```")[0] for part in section.split("```python\n")[1:]]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Callable[[str], Flask]]:
    """Makes a host with a page and a form of its own that follows a recipe."""
    made: list[Flask] = []

    def make(title: str) -> Flask:
        app = make_host(f"sqlite:///{tmp_path}/host.db")
        add_login(app)
        app.add_url_rule("/page", "page", lambda: "<h1>the host's page</h1>", methods=["GET", "POST"])
        app.add_url_rule("/api/hosts", "hosts_api", lambda: {"hosts": "own"}, methods=["GET", "POST"])
        for block in recipe(title):
            exec(compile(block, title, "exec"), {"app": app})
        made.append(app)
        return app

    yield make
    for app in made:
        close(app)


def works(app: Flask) -> None:
    """Agents are made, run and seen, by the API and in the panel."""
    alice = Clients.of(app).alice
    agent = make_agent(alice)
    assert alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "hi"}).status_code == 200
    key = alice.post("/api/ai_agent_api_keys", json={"name": "ci"}).json["token"]
    program = app.test_client()
    assert (
        program.post("/api/ai_agents", json={**AGENT, "name": "2"}, headers={"X-API-Key": key}).status_code == 201
    )
    browser = app.test_client()
    app.config["WTF_CSRF_ENABLED"], enabled = False, app.config.get("WTF_CSRF_ENABLED", True)
    browser.post("/login", data={"user": "alice"})  # the host's form, with a token in real life
    app.config["WTF_CSRF_ENABLED"] = enabled
    panel = PanelClient(browser)
    assert panel.post("/agents/delete/", {"id": agent["id"]}).status_code == 302
    assert alice.get(f"/api/ai_agents/{agent['id']}").status_code == 404
    assert (
        browser.post("/aiagents/agents/delete/", data={"id": agent["id"]}, headers=SAME_ORIGIN).status_code == 403
    )


def test_csrf_protect(beside: Callable[[str], Flask]) -> None:
    """The host's forms need Flask-WTF's token, our routes and forms keep their own rules."""
    app = beside("Flask-WTF")
    works(app)
    assert app.test_client().post("/page").status_code == 400
    assert app.test_client().post("/api/ai_agents", json=AGENT).status_code == 401


@pytest.mark.parametrize("path", ["/aiagents/agents/", "/aiagents/dashboard/", "/aiagents/agents/details/?id=x"])
def test_talisman_keeps_off_our_pages(beside: Callable[[str], Flask], path: str) -> None:
    """Our pages have our policy and frame header, errors included; the host's pages and our JSON have its."""
    app = beside("Flask-Talisman")
    alice = client_as(app, ALICE)
    ours = alice.get(path)
    assert "script-src 'nonce-" in ours.headers["Content-Security-Policy"]
    assert ours.headers["X-Frame-Options"] == "DENY"
    assert "script-src 'nonce-" in alice.get("/api/docs").headers["Content-Security-Policy"]
    for theirs in ("/page", "/api/ai_agents"):
        assert alice.get(theirs).headers["Content-Security-Policy"] == "default-src 'self'"
        assert alice.get(theirs).headers["X-Frame-Options"] == "SAMEORIGIN"


def test_talisman_before_us_keeps_off_our_pages_too(tmp_path: Path) -> None:
    """The order of the two extensions does not matter."""
    from flask_talisman import Talisman

    def before(app: Flask) -> None:
        Talisman(
            app,
            force_https=False,
            content_security_policy_report_only=True,
            content_security_policy_report_uri="/r",
        )

    app = make_host(f"sqlite:///{tmp_path}/host.db", admin=before)
    headers = client_as(app, ALICE).get("/aiagents/agents/").headers
    assert "script-src 'nonce-" in headers["Content-Security-Policy"]
    assert "Content-Security-Policy-Report-Only" not in headers
    close(app)


def test_talisman_leaves_the_panel_working(beside: Callable[[str], Flask]) -> None:
    """Requests of every kind pass."""
    works(beside("Flask-Talisman"))


def test_limiter(beside: Callable[[str], Flask]) -> None:
    """The host's limit holds for its pages; ours has its own, whose answer is our JSON; the panel has none."""
    app = beside("Flask-Limiter")
    works(app)
    client = Clients.of(app).alice
    assert {client.get("/page").status_code for _ in range(201)} == {200, 429}
    assert client.get("/aiagents/agents/").status_code == 200
    answers = [client.get("/api/health") for _ in range(601)]
    assert answers[0].status_code == 200
    assert (answers[-1].status_code, answers[-1].json["code"]) == (429, "too_many_requests")


def test_cors(beside: Callable[[str], Flask]) -> None:
    """A known origin reads and writes with a key, from preflight to exposed headers; the panel stays closed."""
    app = beside("Flask-CORS")
    works(app)
    shop = {"Origin": "https://shop.example"}
    client = app.test_client()
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    preflight = client.options("/api/ai_agents", headers=shop | asks)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    key = Clients.of(app).alice.post("/api/ai_agent_api_keys", json={"name": "shop"}).json["token"]
    made = client.post(
        "/api/ai_agents",
        json=AGENT | {"name": "Third"},
        headers=shop | {"X-API-Key": key, "Sec-Fetch-Site": "cross-site"},
    )
    assert made.status_code == 201
    assert "Location" in made.headers["Access-Control-Expose-Headers"]
    refused = client.get("/api/ai_agents", headers=shop)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://shop.example")
    for headers, path in ((shop, "/aiagents/agents/"), ({"Origin": "https://evil.example"}, "/api/ai_agents")):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers=headers).headers


SUITE = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_aiagents import AIAgents


def create_app(config):
    app = Flask("shop")
    app.config.update(SECRET_KEY="x", **config)
    AIAgents(app, SQLAlchemy(app))
    return app


"""


def test_pytest_fixtures(tmp_path: Path) -> None:
    """A host's own suite, made of the blocks, passes."""
    fixtures, *tests = recipe("pytest")
    (tmp_path / "conftest.py").write_text(SUITE + fixtures)
    (tmp_path / "test_shop.py").write_text("\n".join(tests))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(RECIPES.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("hosts_own", [False, True])
def test_the_command_of_the_rest_library_is_the_hosts(tmp_path: Path, hosts_own: bool) -> None:
    """``flask openapi`` is there only where the host uses flask-smorest, and knows the host's document alone."""

    def smorest(app: Flask) -> Any:
        if hosts_own:
            app.config.update(API_TITLE="Host", API_VERSION="9", OPENAPI_VERSION="3.0.3")
            flask_smorest.Api(app)

    app = make_host(f"sqlite:///{tmp_path}/host.db", admin=smorest)
    assert ("openapi" in app.cli.commands) is hosts_own
    if hosts_own:
        runner = app.test_cli_runner()
        assert runner.invoke(args=["openapi", "list-config-prefixes"]).output == '""\n'
        assert '"title": "Host"' in runner.invoke(args=["openapi", "print"]).output
    assert client_as(app, ALICE).get("/api/openapi.json").json["info"]["title"] == "AI agents"  # pyright: ignore[reportOptionalSubscript]
    close(app)
