from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from web_toy import Source

from flask_aiagents.web.streaming import event_stream


def test_a_created_object_has_its_place(client: Any) -> None:
    """201 with Location and the object; an array for an array; money with all its digits."""
    one = client.post("/api/toys", json={"name": "Top", "size": 1, "price": "0.100000000001"})
    assert (one.status_code, one.headers["Location"]) == (201, "/api/toys/1")
    assert one.json == {"name": "Top", "size": 1, "price": "0.100000000001"}
    many = client.post("/api/toys", json=[{"name": "a"}, {"name": "b"}])
    assert (many.status_code, many.json) == (201, [{"name": "a"}, {"name": "b"}])
    assert "Location" not in many.headers


def test_a_client_can_prefer_no_body(client: Any) -> None:
    """return=minimal empties the answer and says so; a change is a 204 then, a creation stays a 201."""
    prefer = {"Prefer": "return=minimal"}
    made = client.post("/api/toys", json={"name": "Top"}, headers=prefer)
    assert (made.status_code, made.data, made.headers["Location"]) == (201, b"", "/api/toys/1")
    changed = client.put("/api/toys/1", json={}, headers=prefer)
    deleted = client.delete("/api/toys/1")
    assert [(r.status_code, r.data) for r in (changed, deleted)] == [(204, b"")] * 2
    assert made.headers["Preference-Applied"] == changed.headers["Preference-Applied"] == "return=minimal"
    for response in (made, changed, deleted):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Type" not in response.headers


@pytest.mark.parametrize(
    ("sent", "status", "version"),
    [
        (None, 200, None), ("*", 200, None), ('"3"', 200, 3), (' "3" ', 200, 3),
        ('W/"3"', 200, 3), ('W/"abc"', 412, None),
        ('"abc"', 412, None), ('""', 412, None), ('"99999999999"', 412, None),
        ("3", 400, None), ('"3', 400, None), ("W/x", 400, None), ('"1", "2"', 400, None), ("", 400, None),
    ],
)  # fmt: skip
def test_if_match_names_one_version(client: Any, sent: str | None, status: int, version: int | None) -> None:
    """Our ETag is a number in quotes, also when a proxy weakened it; a foreign one matches nothing."""
    response = client.put("/api/toys/1", json={}, headers={} if sent is None else {"If-Match": sent})
    assert response.status_code == status
    if status == 200:
        assert response.json["version"] == version
    else:
        assert response.json["hint"]
    assert client.get("/api/toys/1").headers["ETag"] == '"3"'


def test_a_stream_writes_each_event_at_once(client: Any, toys: Flask) -> None:
    """One write an event, pings between, nothing buffered or cached, and the source is closed at the end."""
    response = client.get("/api/events", buffered=False)
    assert list(response.response) == [
        b'event: delta\ndata: {"text":"a\\nb"}\n\n',
        b": ping\n\n",
        b'event: done\ndata: {"at":"2026-01-01T00:00:00Z","cost":"0.000000000001"}\n\n',
    ]
    assert response.mimetype == "text/event-stream"
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Cache-Control"] == "no-store"
    response.close()
    assert toys.extensions["toy_source"].closed


def test_a_stream_that_nobody_began_to_read_is_closed_too() -> None:
    """A reader who is gone before the first event still ends the source."""
    source = Source()
    event_stream(source).close()
    assert source.closed
