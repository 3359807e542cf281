from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from flask import Flask, request

from flask_aiagents.errors import PayloadTooLarge
from flask_aiagents.web.json import dumps, parse_json

JSON = "application/json"


def _send(client: Any, raw: str | bytes, **options: Any) -> Any:
    return client.put("/api/toys/1", data=raw, content_type=JSON, **options)


def _told(response: Any, status: int, said: str) -> None:
    assert response.status_code == status, response.text
    assert set(response.json) == {"code", "message", "details", "hint"}
    assert said in response.json["message"]
    assert response.json["hint"]


@pytest.mark.parametrize("raw", ["", "{", "{'a': 1}", "[1,]", '{"a": 1} x', "\ufeff{}", b"\xff\xfe{}"])
def test_what_is_no_json_is_a_400(client: Any, raw: str | bytes) -> None:
    """Half JSON, other dialects and other encodings are told as such."""
    _told(_send(client, raw), 400, "The body is not")


def test_other_content_types_are_refused(client: Any) -> None:
    """A form, or a body without a type, is a 415 that says what to send."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = client.put("/api/toys/1", data="{}", content_type=kind)
        _told(response, 415, "not JSON")
        assert JSON in response.json["hint"]
    assert client.put("/api/toys/1", data="{}", content_type="application/merge-patch+json").status_code == 200


@pytest.mark.parametrize(
    "bad", [r'"a\u0000b"', r'"\ud800"', r'"\udfff\ud800"', r'{"a\u0000": 1}', r'{"\udc00": 1}']
)
def test_r28_nul_and_lone_surrogates_are_refused(client: Any, bad: str) -> None:
    """No database keeps them: a value or a key that has one is a 400, at any depth."""
    for raw in (bad, f'{{"deep": [{{"er": {bad}}}]}}'):
        assert _send(client, raw).status_code == 400
    assert _send(client, r'"\ud83d\ude00 \\u0000 \\\\u0000"').json["sent"] == "\U0001f600 \\u0000 \\\\u0000"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1E+400"])
def test_r29_nan_and_infinity_are_refused_at_any_depth(client: Any, number: str) -> None:
    """What is no JSON number, and what overflows one, is a 400 wherever it stands."""
    for raw in (number, f"[{number}]", f'{{"a": [[{{"b": {number}}}]]}}'):
        _told(_send(client, raw), 400, "number")


@pytest.mark.parametrize(
    "raw",
    ["[" * 5000, "[" * 4000 + "]" * 4000, '{"a":' * 1500 + "1" + "}" * 1500, "[" * 65 + "]" * 65],
    ids=["open", "list", "object", "65"],
)
def test_r30_depth_bombs_are_a_400(client: Any, raw: str) -> None:
    """Deep nesting is refused, whether Python could parse it or not; 64 levels are taken."""
    assert _send(client, raw).status_code == 400
    assert _send(client, "[" * 64 + "]" * 64).status_code == 200


def test_r30_numbers_of_5000_digits_are_a_400(client: Any) -> None:
    """Huge integers are refused before they cost anything, also below Python's own limit."""
    for digits in (5000, 4000, 301):
        _told(_send(client, '{"size": %s}' % ("9" * digits)), 400, "too large a number")
    assert _send(client, str(2**70)).json["sent"] == 2**70


def test_oversized_bodies_are_a_413(client: Any) -> None:
    """A body over the limit is a 413, with its length announced or chunked."""
    raw = json.dumps("x" * 20_000).encode()
    _told(_send(client, raw), 413, "10000 bytes")
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = client.put(
        "/api/toys/1", input_stream=io.BytesIO(raw), content_type=JSON, environ_overrides=chunked
    )
    _told(response, 413, "10000 bytes")


def test_a_body_that_the_host_has_read_is_bounded_too(toys: Flask) -> None:
    """A hook of the host that reads every body does not lift our limit."""

    @toys.before_request
    def read() -> None:
        request.get_data()

    _told(_send(toys.test_client(), json.dumps("x" * 20_000)), 413, "10000 bytes")


def test_wrong_fields_are_a_422_by_name(client: Any) -> None:
    """details maps each field to its messages; an unknown one is told the nearest, a forbidden one its rule."""
    response = client.post("/api/toys", json={"nam": "a", "size": "big", "id": "x"})
    assert response.status_code == 422
    details = response.json["details"]
    assert "'name'" in details["nam"][0]
    assert "Missing" in details["name"][0]
    assert "integer" in details["size"][0]
    assert "leave it out" in details["id"][0]
    many = client.post("/api/toys", json=[{"name": "good"}, {"name": ""}])
    assert list(many.json["details"]) == ["1"]


def test_a_megabyte_of_small_objects_is_read_fast() -> None:
    """The checks of depth and characters cost milliseconds of this process, however busy the machine is."""
    raw = json.dumps(
        [{"name": f"n\u00e9 {n}", "size": n, "tags": ["a", {"b": None}]} for n in range(9_000)]
    ).encode()
    began = time.process_time()
    parse_json(raw)
    assert time.process_time() - began < 2


CROWDS = {
    "arrays": b"[" + b"[]," * 40_000 + b"[]]",
    "objects": b"[" + b"{}," * 40_000 + b"{}]",
    "numbers": b"[" + b"1," * 150_000 + b"1]",
    "strings": b"[" + b'"a",' * 150_000 + b'"a"]',
    "keys": b"{" + b",".join(b'"%d":1' % n for n in range(150_000)) + b"}",
    "quotes": b"[" + b'"",' * 300_000 + b'""]',
    "unfinished": b"[" * 900_000,
}


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("crowd", list(CROWDS))
def test_a_crowd_of_values_is_refused_before_it_is_parsed(crowd: str) -> None:
    """A body that would keep all threads waiting is a 413 that names the bound, whatever it is made of."""
    with pytest.raises(PayloadTooLarge, match="100,000 values"):
        parse_json(CROWDS[crowd])


@pytest.mark.parametrize("text", ["[{" * 100_000, "a,b" * 100_000, '", "' * 40_000])
def test_what_stands_in_a_string_is_no_value(text: str) -> None:
    """A long text may have as many commas, brackets and quotes as it likes."""
    assert parse_json(json.dumps({"input": text}).encode()) == {"input": text}


@pytest.mark.parametrize("number", [0, 1, 20, 21, 40, 41, 99])
def test_a_list_is_written_whole_in_pieces(number: int) -> None:
    """A list that is written in pieces is the same JSON as in one."""
    rows = [{"id": n, "text": "é,]["} for n in range(number)]
    assert json.loads(dumps(rows)) == rows
