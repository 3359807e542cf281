"""``/openapi.json``, ``/docs`` and ``/health``: what the routes are, for programs, for people, for probes."""

from __future__ import annotations

import secrets
from copy import deepcopy
from functools import lru_cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from flask import Blueprint, Response, request, url_for

from ..types import JSONObject
from .assets import close_unsent
from .errors import register_error_handlers
from .json import dumps, json_response, json_text_response
from .page_headers import keep_headers
from .urls import mounted

NAME = "aiagents_docs"

_PAGE = files("flask_aiagents.web") / "docs.html"
"""Filled in without the host's Jinja, whose delimiters and filters are the host's choice."""

_ASSETS = {"style": ".css", "script": "-bundle.js"}
_MOUNTS = 8
"""Places of which the document is kept."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def docs_blueprint(api: Any) -> Blueprint:
    """The three routes; they tell nothing of any tenant and need no login."""
    blueprint = Blueprint(NAME, __name__, static_folder="static", static_url_path="/docs/assets")
    close_unsent(blueprint)
    register_error_handlers(blueprint)
    document = _Document(api)
    blueprint.get("/openapi.json", endpoint="openapi")(document.response)
    blueprint.get("/health", endpoint="health")(lambda: json_response({"status": "ok"}))
    blueprint.get("/docs", endpoint="docs")(_page)
    return blueprint


class _Document:
    """The OpenAPI document as text, made once for each place where the app is mounted."""

    def __init__(self, api: Any) -> None:
        self._text = lru_cache(_MOUNTS)(lambda prefix, root: dumps(_document(api, prefix, root)))

    def response(self) -> Response:
        """Answer with the document for the place of the current request."""
        prefix = request.path.removesuffix("/openapi.json")
        return json_text_response(self._text(prefix, request.root_path))


def _page() -> Response:
    nonce = secrets.token_urlsafe(16)
    urls = {name: url_for(f"{NAME}.static", filename=f"swagger-ui{end}") for name, end in _ASSETS.items()}
    values = {"nonce": nonce, "document": url_for(f"{NAME}.openapi"), **urls}
    text = Template(_PAGE.read_text("utf-8")).substitute({name: escape(value) for name, value in values.items()})
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response = Response(text, mimetype="text/html")
    keep_headers(response, {"Content-Security-Policy": policy, **_HEADERS})
    return response


def _document(api: Any, prefix: str, root: str) -> JSONObject:
    """The document with our own two routes, groups by their plain names, and where the app is mounted."""
    document: JSONObject = deepcopy(api.document())  # it shares its parts with the specification
    document["paths"] |= {
        f"{prefix}/health": _open("Whether the process answers."),
        f"{prefix}/openapi.json": _open("This document."),
    }
    if root:
        document["servers"] = [{"url": mounted("")}]
    _rename_tags(document)
    return document


def _rename_tags(document: JSONObject) -> None:
    for tag in document["tags"]:
        tag["name"] = _plain(tag["name"])
    operations = [item for path in document["paths"].values() for item in path.values()]
    for operation in operations:
        if "tags" in operation:
            operation["tags"] = [_plain(tag) for tag in operation["tags"]]


def _open(summary: str) -> JSONObject:
    answer = {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"get": {"summary": summary, "security": [], "responses": {"200": answer}}}


def _plain(name: str) -> str:
    return name.removeprefix("aiagents_")
