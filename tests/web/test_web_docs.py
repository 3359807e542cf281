from __future__ import annotations

import re
import shutil
import subprocess
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from jsonschema_rs import meta
from werkzeug.serving import make_server

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def document(client: Any) -> Any:
    """The OpenAPI document."""
    return client.get("/api/openapi.json").json


def test_the_document_names_each_route_of_ours_once(document: Any, toys: Flask) -> None:
    """Every rule of our blueprints is in it, with its methods and a unique operationId; none of the host's."""
    ours = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in toys.url_map.iter_rules()
        if rule.endpoint.startswith("aiagents_toys")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {
        (path, method) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    assert told == ours | {("/api/health", "get"), ("/api/openapi.json", "get")}
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values() if "operationId" in op]
    assert len(ids) == len(set(ids)) == len(ours)


def test_the_document_is_31_and_its_references_lead_somewhere(document: Any) -> None:
    """Each $ref resolves, each schema is JSON Schema 2020-12, groups have plain names."""
    assert document["openapi"] == "3.1.0"
    text = str(document)
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", text)):
        place = document
        for key in reference.split("/"):
            place = place[key]
    for schema in document["components"]["schemas"].values():
        meta.validate(schema)
    assert document["tags"] == [{"name": "toys", "description": "Toys"}]


def test_the_document_tells_errors_parameters_and_money_as_they_are(document: Any) -> None:
    """Errors have our form, money is a string, a list tells its filters, writes their headers."""
    listing, write = document["paths"]["/api/toys"]["get"], document["paths"]["/api/toys/{number}"]["put"]
    assert {"400", "401", "403", "406", "500", "503"} <= set(listing["responses"])
    assert {"409", "412", "413", "415", "422", "204"} <= set(write["responses"])
    reference = listing["responses"]["400"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/Error"
    assert set(document["components"]["schemas"]["Error"]["properties"]) == {"code", "message", "details", "hint"}
    assert document["components"]["schemas"]["Toy"]["properties"]["price"]["type"] == ["string", "null"]
    assert document["components"]["schemas"]["Toy"]["properties"]["price"]["format"] == "decimal"
    names = {parameter["name"] for parameter in listing["parameters"]}
    assert names >= {"name", "traits", "or", "select", "order", "limit", "offset", "cursor", "Prefer"}
    assert {"If-Match", "Prefer", "X-AIAgents-Tenant"} <= {parameter["name"] for parameter in write["parameters"]}
    assert set(document["components"]["securitySchemes"]) == {"api_key", "bearer", "login"}
    assert "see toys" in listing["description"]


def test_the_document_knows_where_the_app_is_mounted(client: Any) -> None:
    """Behind a mount point the servers say so."""
    mounted = client.get("/api/openapi.json", environ_overrides={"SCRIPT_NAME": "/sub"}).json
    assert mounted["servers"] == [{"url": "/sub"}]
    assert client.get("/api/openapi.json").json.get("servers") is None


def test_the_page_loads_nothing_from_elsewhere(client: Any, toys: Flask) -> None:
    """Script and style are ours, under a policy that admits nothing else; the host's Jinja plays no part."""
    toys.jinja_options = {"variable_start_string": "[[", "variable_end_string": "]]"}
    page = client.get("/api/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"HTTP API", "", page.text)
    for url in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        asset = client.get(url)
        assert asset.status_code == 200
        asset.close()
    assert policy != client.get("/api/docs").headers["Content-Security-Policy"]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_the_page_shows_the_routes_in_a_browser(toys: Flask) -> None:
    """Under its policy the page draws every operation, without a violation."""
    server = make_server("127.0.0.1", 0, toys, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api/docs"
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
    )
    shown = subprocess.run(
        [str(CHROMIUM), *options, "--dump-dom", url], capture_output=True, text=True, timeout=60, check=True
    )
    server.shutdown()
    server.server_close()
    assert shown.stdout.count('class="opblock opblock-') == 9
    assert "CONSOLE" not in shown.stderr
