from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from web_toy import FIRST, toy, toy_engine, toy_host, toy_id

OBJECT = {"Accept": "application/vnd.pgrst.object+json"}


@pytest.fixture
def engine(database_uri: str) -> Iterator[sa.Engine]:
    """23 toys, several of the same age, size and softness."""
    many = (toy(n, size=n % 3, soft=n % 2 == 0, made_at=FIRST + timedelta(seconds=n // 4)) for n in range(23))
    engine = toy_engine(database_uri, *many)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: sa.Engine) -> Any:
    """A client of a host with them."""
    return toy_host(engine).test_client()


def _next(response: Any) -> str | None:
    link = response.headers.get("Link")
    if link is None:
        return None
    assert link.endswith('>; rel="next"')
    return link[1 : link.index(">")]


def _pages(client: Any, url: str | None) -> list[Any]:
    pages = []
    while url is not None:
        response = client.get(url)
        assert response.status_code == 200, response.text
        pages.append(response)
        url = _next(response)
    return pages


ORDERS = [
    "made_at.desc",
    "made_at",
    "size.desc",
    "size,made_at.desc",
    "soft.desc,size",
    "name.desc",
    "id.desc",
    "soft",
]


def test_pages_walk_every_row_once_in_any_order(client: Any) -> None:
    """Following Link gives the rows of one big page: nothing twice, nothing lost, in one or mixed directions."""
    for order in ORDERS:
        whole = client.get(f"/api/toys?order={order}&limit=200").json
        pages = _pages(client, f"/api/toys?order={order}&limit=5")
        assert [row for page in pages for row in page.json] == whole, order
        assert len(whole) == 23
        assert [page.headers["Content-Range"] for page in pages] == [
            "0-4/*", "5-9/*", "10-14/*", "15-19/*", "20-22/*",
        ]  # fmt: skip


def test_the_last_page_has_no_link_even_when_full(client: Any) -> None:
    """A page that ends with the last row leads nowhere."""
    assert _next(client.get("/api/toys?limit=23")) is None
    assert _next(client.get("/api/toys?limit=22")) is not None
    assert client.get("/api/toys?limit=0").json == []
    empty = client.get("/api/toys?size=eq.99")
    assert (empty.status_code, empty.json, empty.headers["Content-Range"]) == (200, [], "*/*")


def test_the_link_keeps_the_query_and_works_behind_a_mount(client: Any) -> None:
    """Filters, order and columns travel in the link; the path includes where the app is mounted."""
    query = {"name": "ilike.*toy*", "select": "name", "order": "name.desc", "limit": "2", "offset": "1"}
    response = client.get("/api/toys", query_string=query, environ_overrides={"SCRIPT_NAME": "/sub"})
    url = urlsplit(_next(response) or "")
    assert url.path == "/sub/api/toys"
    kept = {key: values[0] for key, values in parse_qs(url.query).items()}
    assert kept.pop("cursor")
    query.pop("offset")
    assert kept == query
    second = client.get(f"/api/toys?{url.query}")
    assert second.headers["Content-Range"] == "3-4/*"
    assert list(second.json[0]) == ["name"]


def test_rows_that_come_in_between_shift_nothing(client: Any, engine: sa.Engine) -> None:
    """A row made after the first page neither doubles nor hides one of the second."""
    first = client.get("/api/toys?order=made_at.desc&limit=5")
    with Session(engine) as session:
        session.add(toy(99))
        session.commit()
    seen = [page.json for page in _pages(client, _next(first))]
    ids = [row["id"] for row in first.json] + [row["id"] for page in seen for row in page]
    assert len(ids) == len(set(ids)) == 23
    assert str(toy_id(99)) not in ids


def test_a_cursor_of_another_query_is_a_400(client: Any) -> None:
    """A cursor belongs to its filter and order; changed or forged, it is refused and never a 500."""
    cursor = parse_qs(urlsplit(_next(client.get("/api/toys?order=size&limit=2")) or "").query)["cursor"][0]
    assert client.get(f"/api/toys?order=size&limit=3&cursor={cursor}").status_code == 200
    mark = json.loads(base64.urlsafe_b64decode(cursor + "=="))[0]
    forged = [[mark], [mark, 2, 1], [mark, "2", 1, "x"], [mark, 2, 2**70, str(toy_id(1))], [mark, 2, [1], None],
              {"a": 1}, None, [mark, True, 1, str(toy_id(1))], [mark, 2, 2**40, "x"]]  # fmt: skip
    texts = [base64.urlsafe_b64encode(json.dumps(value).encode()).decode() for value in forged]
    for query in [f"size=gt.0&order=size&cursor={cursor}", f"order=size.desc&cursor={cursor}", f"cursor={cursor}"]:
        assert client.get(f"/api/toys?{query}").status_code == 400
    for text in [*texts, cursor[:-3], "e30", "W1tbW1tb" * 800, "%00"]:
        assert client.get(f"/api/toys?order=size&cursor={text}").status_code == 400, text
    far = base64.urlsafe_b64encode(json.dumps([mark, -5, "5000000000", str(toy_id(1))]).encode()).decode()
    assert client.get(f"/api/toys?order=size&cursor={far}").json == []


def test_a_count_is_given_when_it_is_preferred(client: Any) -> None:
    """Prefer: count=exact puts the total behind the slash, on every page, and says that it did."""
    prefer = {"Prefer": "return=representation, count=exact"}
    first = client.get("/api/toys?size=eq.1&limit=3&order=id", headers=prefer)
    assert first.headers["Content-Range"] == "0-2/8"
    assert first.headers["Preference-Applied"] == "count=exact"
    assert client.get(_next(first), headers=prefer).headers["Content-Range"] == "3-5/8"
    assert client.get("/api/toys?size=eq.9", headers=prefer).headers["Content-Range"] == "*/0"
    head = client.head("/api/toys", headers=prefer)
    assert (head.headers["Content-Range"], head.data) == ("0-22/23", b"")


def test_postgrest_js_reads_one_object(client: Any) -> None:
    """single() gets the object of one row, and for none or several the 406 that it and maybeSingle() know."""
    one = client.get(f"/api/toys?id=eq.{toy_id(4)}&select=id,name", headers=OBJECT)
    assert one.status_code == 200
    assert one.content_type.startswith(OBJECT["Accept"])
    assert json.loads(one.text) == {"id": str(toy_id(4)), "name": "toy 4"}
    none = client.get("/api/toys?size=eq.99", headers=OBJECT)
    assert (none.status_code, none.json["code"]) == (406, "PGRST116")
    assert "0 rows" in none.json["details"]
    several = client.get("/api/toys?limit=2", headers=OBJECT)
    assert (several.status_code, several.json["code"]) == (406, "PGRST116")
    assert several.json["hint"]
