"""The shop's own tests, as they were before anybody thought of agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from shop import Customer, create_app, db


@pytest.fixture
def app(tmp_path: Any) -> Iterator[Flask]:
    app = create_app(ALCHEMICAL_DATABASE_URL=f"sqlite:///{tmp_path}/shop.db")
    db.create_all()
    with db.begin() as session:
        session.add(Customer(name="susan"))
    yield app
    if (engine := db.get_engine()) is not None:
        engine.dispose()


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


@pytest.fixture
def susan(client: Any) -> dict[str, str]:
    token = client.post("/api/tokens", json={"name": "susan"}).json["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_who_has_no_token_is_refused(client: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        refused = client.get("/api/me", headers=headers)
        assert (refused.status_code, refused.json) == (401, {"error": "Unauthorized"})


def test_requests_are_counted(client: Any, susan: dict[str, str]) -> None:
    assert [client.get("/api/me", headers=susan).json["requests"] for _ in range(3)] == [1, 2, 3]


def test_orders(client: Any, susan: dict[str, str]) -> None:
    made = client.post("/api/orders/", json={"item": "tea"}, headers=susan)
    assert (made.status_code, made.json) == (201, {"id": 1, "item": "tea"})
    assert client.get("/api/orders/", headers=susan).json == [made.json]
    assert client.get("/api/orders/1", headers=susan).json == made.json
    assert client.get("/api/orders", headers=susan).headers["Location"] == "http://localhost/api/orders/"


@pytest.mark.parametrize("path", ["/nowhere", "/api", "/api/", "/api/nothing", "/api/orders/x", "/api/orders/1/2"])
def test_the_404_body(client: Any, path: str) -> None:
    missing = client.get(path)
    assert (missing.status_code, missing.json) == (404, {"error": "Not Found"})


def test_the_405_body(client: Any) -> None:
    refused = client.delete("/api/tokens")
    assert (refused.status_code, refused.json) == (405, {"error": "Method Not Allowed"})
    assert {*client.options("/api/tokens").headers["Allow"].split(", ")} == {"OPTIONS", "POST"}


def test_the_500_body(client: Any) -> None:
    assert client.get("/api/boom").json == {"error": "The shop is on fire"}


def test_health_and_docs(client: Any) -> None:
    assert client.get("/api/health").json == {"shop": "open"}
    assert client.get("/api/docs", follow_redirects=True).text == "<h1>The shop's API</h1>"
    assert client.get("/api/openapi.json").json["info"]["title"] == "Shop"


def test_cors(client: Any) -> None:
    answer = client.get("/api/health", headers={"Origin": "https://shop.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
