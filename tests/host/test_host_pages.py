from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, jsonify
from flask.json.provider import DefaultJSONProvider
from support.cast import OFFLINE, Clients
from support.hosts import close, make_host


class Shouting(DefaultJSONProvider):
    """A provider of the host's own."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs).upper()


def _dress(app: Flask) -> None:
    """Give the host its own pages, JSON and blueprints, some of them under our prefix."""
    app.json = Shouting(app)
    for code in (404, 405, 500):
        app.register_error_handler(code, lambda _, code=code: (f"<h1>the host's {code}</h1>", code))
    for name in ("api", "admin", "auth", "users"):
        blueprint = Blueprint(name, name, url_prefix=f"/{name}")
        blueprint.add_url_rule("/mine", "mine", lambda name=name: jsonify(page=name), methods=["GET"])
        blueprint.add_url_rule("/broken", "broken", lambda: str(1 / 0))
        app.register_blueprint(blueprint)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = make_host(f"sqlite:///{tmp_path}/dressed.db", PROPAGATE_EXCEPTIONS=False)
    _dress(app)
    yield app
    close(app)


@pytest.mark.parametrize("prefix", ["/api", "/admin"])
def test_the_host_keeps_its_pages(app: Flask, prefix: str) -> None:
    """Its blueprints, its JSON, its 405 and its 500 are its own, under our prefix as elsewhere."""
    client = app.test_client()
    assert client.get(f"{prefix}/mine").text.strip() == f'{{"PAGE":"{prefix[1:].upper()}"}}'
    assert client.post(f"{prefix}/mine").text == "<h1>the host's 405</h1>"
    assert client.get(f"{prefix}/broken").text == "<h1>the host's 500</h1>"
    assert client.get("/nowhere").text == "<h1>the host's 404</h1>"


def test_our_routes_keep_our_form(app: Flask) -> None:
    """What is ours answers in our JSON, untouched by the host's provider and pages."""
    alice = Clients.of(app).alice
    sent = json.dumps({"name": "Helper", "model_config": OFFLINE})  # the client would encode as the host does
    made = alice.post("/api/ai_agents", data=sent, content_type="application/json")
    assert (made.status_code, json.loads(made.text)["name"]) == (201, "Helper")
    missing = alice.get("/api/ai_agents/nothing")
    assert (missing.status_code, missing.json["code"]) == (404, "not_found")
    assert alice.get("/api/nothing").text == "<h1>the host's 404</h1>"
    for method in ("TRACE", "PROPFIND", "PATCH"):
        refused = alice.open("/api/ai_agents", method=method)
        assert (refused.status_code, refused.json["code"]) == (405, "method_not_allowed")
        assert "POST" in refused.headers["Allow"]


def test_the_prefix_is_the_hosts_choice(tmp_path: Path) -> None:
    """Mounted elsewhere, everything of ours is there and nothing under /api."""
    app = make_host(f"sqlite:///{tmp_path}/else.db", AIAGENTS_URL_PREFIX="/robots/v2")
    alice = Clients.of(app).alice
    made = alice.post("/robots/v2/ai_agents", json={"name": "x", "model_config": OFFLINE})
    assert alice.get(made.headers["Location"]).json["name"] == "x"
    assert made.headers["Location"].startswith("/robots/v2/")
    missing = alice.get("/api/ai_agents")
    assert (missing.status_code, missing.is_json) == (404, False)
    assert not [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api")]
    close(app)
