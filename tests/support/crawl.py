"""Finding the pages of the panel as a person finds them: by following its links."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

PREFIX = "aiagents_panel_"
"""What the endpoints of the panel's pages begin with."""


class Markup(HTMLParser):
    """What a page's HTML refers to, and what a strict policy forbids in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forbidden: list[str] = []
        self.forms: list[dict[str, str | None]] = []
        self.asked: set[str] = set()
        """What the forms ask for that only read: the names of their fields."""
        self.root: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.root = given
        if tag == "form":
            self.forms.append(given)
        if tag in ("input", "select", "textarea") and self.forms and self.forms[-1].get("method") == "get":
            self.asked.add(given.get("name") or "")
        self.links += [given[name] or "" for name in ("href", "hx-get") if name in given and tag != "link"]
        self.forbidden += [
            f"<{tag} {name}>" for name in given if name.startswith(("on", "hx-on")) or name == "style"
        ]
        if tag == "style" or (
            tag == "script" and not given.get("src") and given.get("type") != "application/json"
        ):
            self.forbidden.append(f"<{tag}> inside the page")
        urls = (given.get(name) or "" for name in ("href", "src", "action", "formaction"))
        self.forbidden += [
            url for url in urls if url.strip().lower().startswith(("javascript:", "data:", "vbscript:"))
        ]


@dataclass(slots=True)
class Found:
    """A page that somebody was led to."""

    url: str
    endpoint: str
    status: int
    html: str = field(repr=False)

    @property
    def is_page(self) -> bool:
        """Whether it is a whole page; else it is a part of one, or data."""
        return "<html" in self.html


def crawl(app: Flask, client: FlaskClient, start: str, alike: int = 4) -> list[Found]:
    """The pages of the panel that links lead to.

    :param alike: pages of one endpoint that are looked at; the others are like them.
    """
    seen: Counter[Any] = Counter()
    asked: set[str] = set()
    found: list[Found] = []
    waiting = [start]
    while waiting:
        url = urldefrag(waiting.pop(0)).url
        kind = kind_of(app, url)
        if kind is None or url in asked or seen[kind] == alike:
            continue
        seen[kind] += 1
        asked.add(url)
        response = client.get(url)
        text = response.text if response.mimetype == "text/html" else ""
        found.append(Found(url, kind[0], response.status_code, text))
        waiting += [urljoin(url, link) for link in Markup(text).links]
        if "Location" in response.headers:
            waiting.append(urljoin(url, response.headers["Location"]))
    return found


def kind_of(app: Flask, url: str) -> tuple[str, bool, tuple[Any, ...]] | None:
    """The endpoint of an address, whether it is for the modal, and its arguments; None when it is no page."""
    parts = urlsplit(url)
    try:
        endpoint, values = app.url_map.bind("localhost").match(parts.path, method="GET")
    except HTTPException:
        return None
    if not endpoint.startswith(PREFIX) or endpoint.endswith(".static"):
        return None
    return endpoint, "modal=" in parts.query, tuple(values.items())


def endpoints(app: Flask, method: str) -> dict[str, str]:
    """The panel's endpoints that take this method, with their rules."""
    return {
        rule.endpoint: rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(PREFIX)
        and not rule.endpoint.endswith(".static")
        and method in (rule.methods or ())
    }
