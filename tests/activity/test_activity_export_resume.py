from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from itertools import islice
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, Clients
from support.csv_files import rows_of
from support.logs import activity_of

from flask_aiagents.web.compression import gzipped
from flask_aiagents.web.filtering import Query

URL = "/api/ai_agent_activity_logs"

GZIP = {"Accept-Encoding": "gzip"}

NO_TIME = "646465fd-ffd9-472f-9562-81e8be52f89e"
"""An id of version 4, which no log can have."""


def record(client: Any, number: int) -> None:
    """Logs with line ends and quotes in them."""
    logs = [{"action": "import", "error": f'a "line"\r\n{n}', "duration_ms": n} for n in range(number)]
    assert client.post(URL, json=logs, headers={"Prefer": "return=minimal"}).status_code == 201


def export(client: Any, query: str) -> bytes:
    response = client.get(f"{URL}/export?{query}")
    assert response.status_code == 200, response.text
    return response.data


def last_id(data: bytes, format: str) -> str:
    """Of the last row, as a client would find it."""
    if format == "jsonl":
        return json.loads(data.splitlines()[-1])["id"]
    return rows_of(data.decode())[-1]["id"]


def head(whole: bytes, format: str, rows: int) -> bytes:
    """The first rows, after the header of CSV."""
    if format == "jsonl":
        return b"".join(whole.splitlines(keepends=True)[:rows])
    reader, kept = csv.reader(io.StringIO(whole.decode(), newline="")), io.StringIO(newline="")
    csv.writer(kept).writerows(islice(reader, rows + 1))
    return kept.getvalue().encode()


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "query", ["", "&order=id.asc", "&order=created_at.desc", "&action=eq.import&select=error,id"]
)
def test_an_export_that_broke_off_goes_on(clients: Clients, format: str, query: str) -> None:
    """With the last row's id as cursor the rest follows: together byte for byte what one export gives."""
    record(clients.alice, 450)
    whole = export(clients.alice, f"format={format}{query}")
    for rows in (1, 200, 201, 449, 450):
        cut = head(whole, format, rows)
        rest = export(clients.alice, f"format={format}{query}&cursor={last_id(cut, format)}")
        assert cut + rest == whole


def test_everybody_goes_on_with_their_own(any_clients: Clients) -> None:
    """A user, an admin and the operator resume where they were; logs made meanwhile are not among the rest."""
    for client in (any_clients.alice, any_clients.bob, any_clients.charlie):
        record(client, 5)
    for name in ("alice", "bob", "root"):
        client = getattr(any_clients, name)
        whole = export(client, "format=jsonl").splitlines(keepends=True)
        any_clients.bob.post(URL, json={"action": "later"})
        rest = export(client, f"format=jsonl&cursor={json.loads(whole[2])['id']}")
        assert rest == b"".join(whole[3:]), name


def test_a_strangers_id_is_a_place_in_time_and_no_more(clients: Clients) -> None:
    """Whoever goes on behind another tenant's log is given own logs alone."""
    record(clients.bob, 2)
    record(clients.charlie, 2)
    foreign = json.loads(export(clients.charlie, "format=jsonl").splitlines()[0])["id"]
    rest = [json.loads(line) for line in export(clients.bob, f"format=jsonl&cursor={foreign}").splitlines()]
    assert [log["user_id"] for log in rest] == ["bob", "bob"]


@pytest.mark.parametrize("query", ["cursor=abc", f"cursor={NO_TIME}", "cursor=", "order=status&cursor={id}"])
def test_a_place_that_is_none_is_refused(clients: Clients, query: str) -> None:
    """No id, an id without a time, and another order than time's are 400s with a hint."""
    record(clients.alice, 1)
    found = clients.alice.get(URL).json[0]["id"]
    response = clients.alice.get(f"{URL}/export?{query.format(id=found)}")
    assert response.status_code == 400
    assert response.json["hint"]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_gzip_is_the_same_file(clients: Clients, format: str) -> None:
    """A client that takes gzip is sent it, and unpacks what others are sent."""
    record(clients.alice, 450)
    plain = clients.alice.get(f"{URL}/export?format={format}")
    packed = clients.alice.get(f"{URL}/export?format={format}", headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 4
    refused = clients.alice.get(f"{URL}/export?format={format}", headers={"Accept-Encoding": "gzip;q=0"})
    assert refused.data == plain.data


def test_gzip_flows(host: Flask, clients: Clients) -> None:
    """What has arrived can be unpacked at once, so that an export that breaks off in gzip can go on as well."""
    record(clients.alice, 450)
    with host.app_context():
        whole = b"".join(activity_of(host).export(format="jsonl", principal=ALICE))
        parts = gzipped(activity_of(host).export(format="jsonl", principal=ALICE))
        arrived = zlib.decompressobj(31).decompress(next(parts))
        assert len(arrived.splitlines()) == 200
        rest = activity_of(host).export(Query(cursor=last_id(arrived, "jsonl")), "jsonl", principal=ALICE)
        assert arrived + b"".join(rest) == whole
