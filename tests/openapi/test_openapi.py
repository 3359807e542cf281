from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from support.cast import ALICE, Clients, make_agent
from support.hosts import close, make_host

from flask_aiagents.testing import client_as

PROMISES = [
    *(f"{what}_conformance" for what in ("status_code", "content_type", "response_headers", "response_schema")),
    "not_a_server_error",
    "unsupported_method",
    "ignored_auth",
]
"""What the document promises, by the names of schemathesis' checks."""


SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
"""What hypothesis would rather not see, and what a real API under test needs."""


@pytest.fixture(scope="module")
def api_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A host with something in it."""
    app = make_host(f"sqlite:///{tmp_path_factory.mktemp('api')}/api.db")
    make_agent(Clients.of(app).alice, "First")
    with pytest.MonkeyPatch.context() as patch:
        # A stream of the log is read to its end here.
        patch.setattr("flask_aiagents.features.activity.service.LASTS_S", 0)
        yield app
    close(app)


@pytest.fixture(scope="module")
def api_key(api_host: Flask) -> str:
    """Alice's key."""
    return (client_as(api_host, ALICE).post("/api/ai_agent_api_keys", json={"name": "fuzz"}).json or {})["token"]


@pytest.fixture(scope="module")
def api_schema(api_host: Flask) -> Any:
    """The document that the app serves."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", api_host)


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=SLOW,
    derandomize=True,
    database=None,
)
def test_every_operation_answers_as_documented(case: schemathesis.Case, api_key: str) -> None:
    """Whatever is sent, the status, type, headers and body are what the document promises, and never a 500."""
    case.call_and_validate(headers={"X-API-Key": api_key}, checks=CHECKS.get_by_names(PROMISES))  # pyright: ignore[reportArgumentType]


def test_the_document_is_complete(api_host: Flask) -> None:
    """Every route of ours is in the document, with its parameters and its errors."""
    document = api_host.test_client().get("/api/openapi.json").json or {}
    assert document["openapi"] == "3.1.0"
    rules = {
        rule.rule.replace("<uuid:", "{").replace(">", "}")
        for rule in api_host.url_map.iter_rules()
        if re.match(r"aiagents_(?!docs|unmatched|panel)", rule.endpoint)
    }
    public = {"/api/health", "/api/openapi.json"}
    assert set(document["paths"]) == rules | public
    for path, operations in document["paths"].items():
        if path in public:
            continue
        for method, operation in operations.items():
            if method != "parameters":
                assert {"400", "401", "403"} <= set(operation["responses"]), (method, path)
                assert operation["summary"], (method, path)
    error = document["components"]["schemas"]["Error"]
    assert set(error["properties"]) == {"code", "message", "details", "hint"}
    log = document["components"]["schemas"]["ActivityLog"]["properties"]
    assert "string" in str(log["cost_usd"]["type"])


def test_the_page_of_the_document_loads_nothing_from_elsewhere(api_host: Flask) -> None:
    """/docs carries a strict policy and names no other host."""
    page = api_host.test_client().get("/api/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in page.text.replace("http-equiv", "")
    with api_host.test_client().get("/api/docs/assets/swagger-ui.css") as asset:
        assert asset.status_code == 200
