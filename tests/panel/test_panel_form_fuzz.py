"""R53: no form field of the panel gives a 500, whatever somebody writes into it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, ROOT
from support.crawl import crawl, endpoints
from support.panel import PanelClient
from support.populated import populate

from flask_aiagents import Principal
from flask_aiagents.testing import client_as

HOSTILE = (
    "",
    " ",
    "\x00",
    "a\r\nX-Forged: 1",
    "\ud7ff\uffff\u202e\U0001f4a9",
    "-1",
    "9" * 400,
    "1e999",
    "NaN",
    "P99999W99999D/1970-01-01",
    "00000000-0000-0000-0000-000000000000",
    "[" * 5_000,
    '{"a": [1, {"b": null}]}',
    "%00%0d%0a%ff",
    "'; DROP TABLE ai_agents; --",
    "x" * 20_000,
)

MULTIPLE = ["x", "", "\x00", "9" * 400]
"""Several values under one name."""


class PostedFields(HTMLParser):
    """The names of the fields of a page's forms that write."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._writes = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._writes = (given.get("method") or "").lower() == "post"
        elif tag in ("input", "select", "textarea", "button") and self._writes:
            self.names.add(given.get("name") or "")


def fields_of(app: Flask, http: Any) -> set[str]:
    """Every field of every form that a person can reach."""
    pages = crawl(app, http, "/aiagents/agents/", alike=2)
    found = set().union(*(PostedFields(page.html).names for page in pages))
    return found - {"", "csrf_token"} | {"url", "id", "rowid", "ask", "overrides", "model", "version"}


def forms(fields: set[str], agent_id: str) -> Iterator[dict[str, Any]]:
    """Forms that are hostile all over, then forms that are hostile in one field each."""
    valid = {"id": agent_id, "rowid": agent_id, "agent": agent_id, "name": "Fuzzed", "provider": "offline"}
    valid |= {"model": "offline", "agent_type": "assistant", "status": "active", "input": "hi"}
    for value in HOSTILE:
        yield dict.fromkeys(fields, value)
        yield dict.fromkeys(fields - {"id", "rowid", "agent"}, value) | {"id": agent_id, "agent": agent_id}
    yield dict.fromkeys(fields, MULTIPLE)
    for name, value in zip(sorted(fields), cycle(HOSTILE), strict=False):
        yield valid | {name: value}


@pytest.mark.requirement("R53")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("principal", "pages"), [(ALICE, ""), (ROOT, "/tenant/")], ids=["every form", "the operator's form"]
)
def test_no_form_field_gives_a_500(any_host: Flask, principal: Principal, pages: str) -> None:
    """Each form of the panel answers hostile values with a page that says what is wrong."""
    agent_id = populate(any_host)["desk"]["id"]
    panel = PanelClient(client_as(any_host, principal))
    fields, token = fields_of(any_host, panel.http), panel.token()
    for rule in endpoints(any_host, "POST").values():
        path = rule.removeprefix("/aiagents")
        for form in forms(fields, agent_id) if path.startswith(pages) else ():
            response = panel.post(path, {"csrf_token": token} | form, query_string={"id": agent_id})
            assert response.status_code < 500, (rule, form, response.text[-2_000:])
