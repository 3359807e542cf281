"""flask-smorest inside a host: documents and blueprints of ours, nothing of the host's touched."""

from __future__ import annotations

import re
import threading
from typing import Any
from urllib.parse import urlencode

import flask_smorest
import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Request, Response, request, url_for
from marshmallow import fields

from ..core.installed import installation
from ..core.shared_transaction import end_sharing
from ..core.turns import end_turn, pace
from ..errors import AIAgentsError, BadRequest, PreconditionFailed
from ..types import JSON, JSONObject
from .errors import register_error_handlers
from .filtering import Query, parse
from .json import empty_response, json_response, json_text_response, read_json
from .openapi import DocumentsOperations
from .pagination import Page
from .prefer import parse_prefer
from .urls import current_path

_ETAG = re.compile(r'(W/)?"[^"]*"')
_VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"')

_COMMAND = "openapi"
"""The command group that flask-smorest adds; ours has none, and the host's does not list our document."""

SINGLE = "application/vnd.pgrst.object+json"
"""Asks a list for its one row as an object, as postgrest-js' ``single()`` does."""


class ErrorSchema(ma.Schema):
    """What happened, where, what to do next."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.Raw(required=True, allow_none=True)
    hint = fields.String(required=True, allow_none=True)


class ScopedApi(flask_smorest.Api):
    """An API of a blueprint's own: the host's error pages and its other APIs stay as they are."""

    ERROR_SCHEMA = ErrorSchema

    _app: Any
    spec: Any

    def _register_error_handlers(self) -> None:
        """The stock version takes over the host's error pages; ours are on our blueprints."""

    def _register_responses(self) -> None:
        """With the stock version every start describes 60 responses; ours are described with the operations."""

    def _register_doc_blueprint(self) -> None:
        """The document has routes of ours, in ``docs``."""

    def describe_security(self, schemes: dict[str, Any]) -> None:
        """Any one of these lets a client in."""
        for name, scheme in schemes.items():
            self.spec.components.security_scheme(name, scheme)
        self.spec.options["security"] = [{name: []} for name in schemes]

    def init_app(self, app: Any, *, spec_kwargs: Any = None) -> None:
        plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
        hosts_command = app.cli.commands.pop(_COMMAND, None)
        super().init_app(app, spec_kwargs={"marshmallow_plugin": plugin} | (spec_kwargs or {}))
        app.cli.commands.pop(_COMMAND)
        if hosts_command is not None:
            app.cli.add_command(hosts_command)
        app.extensions["flask-smorest"]["apis"].pop(self.config_prefix)
        self.register_field(fields.Decimal, "string", "decimal")
        self._undescribed: list[flask_smorest.Blueprint] = []
        self._has_responses = False
        self._describing = threading.Lock()

    def register_blueprint(self, blp: flask_smorest.Blueprint, **options: Any) -> None:
        """Mount now, describe when the document is first asked for: that takes as long as all else in a start."""
        self._app.register_blueprint(blp, **options)
        self._undescribed.append(blp)

    def document(self) -> JSONObject:
        """The OpenAPI document of all blueprints."""
        with self._describing:
            if not self._has_responses:
                super()._register_responses()
                self._has_responses = True
            while self._undescribed:
                blp = self._undescribed.pop(0)
                blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
                self.spec.tag({"name": blp.name, "description": blp.description})
            return self.spec.to_dict()


def _schema_name(schema: Any) -> str:
    if isinstance(schema, type):
        return schema.__name__.removesuffix("Schema")
    name = type(schema).__name__.removesuffix("Schema")
    return f"{name}Patch" if schema.partial and not name.endswith("Patch") else name


class Blueprint(DocumentsOperations, flask_smorest.Blueprint):
    """A blueprint that answers its own errors and documents its operations."""

    def __init__(self, name: str, *, description: str) -> None:
        super().__init__(f"aiagents_{name}", __name__, description=description)
        register_error_handlers(self)
        self.after_request(pace)
        self.teardown_request(end_turn)
        self.teardown_request(end_sharing)


def body(*, times: int = 1) -> JSON:
    """The JSON of this request, at most ``times`` the configured size.

    :raises BadRequest: when it cannot be read.
    :raises PayloadTooLarge: when it is too large.
    """
    return read_json(request, times * installation().settings.max_body_bytes)


def prefers(preference: str) -> bool:
    """Whether this request's ``Prefer`` header has a preference, such as ``return=minimal``."""
    name, _, value = preference.partition("=")
    return parse_prefer(request.headers.get("Prefer", "")).get(name) == value


def list_query(ignore: tuple[str, ...] = ()) -> Query:
    """What this request asks of a list."""
    return parse(request.args, count=prefers("count=exact"), ignore=ignore)


def page_response(page: Page) -> Response:
    """A list: a bare array, with ``Content-Range`` and the ``Link`` to the next page."""
    if SINGLE in request.headers.get("Accept", ""):
        return _single(page)
    last = page.first + len(page.rows) - 1
    span = f"{page.first}-{last}" if page.rows else "*"
    headers = {"Content-Range": f"{span}/{'*' if page.total is None else page.total}"}
    if page.total is not None:
        headers["Preference-Applied"] = "count=exact"
    if page.next_cursor:
        headers["Link"] = f'<{_next_url(page.next_cursor)}>; rel="next"'
    return json_text_response(page.json().encode(), 200, headers)


def _next_url(cursor: str) -> str:
    kept = [(k, v) for k, v in request.args.items(multi=True) if k not in ("cursor", "offset")]
    return f"{current_path()}?{urlencode([*kept, ('cursor', cursor)])}"


def _single(page: Page) -> Response:
    if len(page.items) != 1:
        error = AIAgentsError(
            "JSON object requested, multiple (or no) rows returned",
            error_code="PGRST116",
            details=f"The result contains {len(page.items)} rows",
            hint="Filter by id, or ask for the list.",
        )
        return json_response(error.to_dict(), 406)
    response = json_response(page.items[0])
    response.content_type = f"{SINGLE}; charset=utf-8"
    return response


def created(value: Any, endpoint: str, **ids: Any) -> Response:
    """201 with ``Location``; without a body where the client prefers that."""
    headers = {"Location": url_for(endpoint, **ids)} if ids else {}
    return _written(value, 201, headers)


def partly_created(told: JSONObject) -> Response:
    """201 where the good ones of many were kept: ``items``, unless the client wants none, and the refused ones."""
    applied = "handling=lenient"
    if prefers("return=minimal"):
        applied += ", return=minimal"
        told = {name: value for name, value in told.items() if name != "items"}
    return json_response(told, 201, {"Preference-Applied": applied})


def updated(value: Any, headers: dict[str, str] | None = None) -> Response:
    """200 with the object, or 204 where the client prefers no body."""
    return _written(value, 200, headers or {})


def no_content() -> Response:
    """204."""
    return empty_response()


def _written(value: Any, status: int, headers: dict[str, str]) -> Response:
    if prefers("return=minimal"):
        headers = headers | {"Preference-Applied": "return=minimal"}
        return empty_response(201 if status == 201 else 204, headers)
    return json_response(value, status, headers)


def if_match(request: Request) -> int | None:
    """The version that ``If-Match`` names; None without one or for ``*``.

    A weak ETag counts like a strong one, although RFC 9110 wants none here: a proxy that compresses weakens ours,
    and they name versions of an object, not bytes.

    :raises BadRequest: for what is no ETag, and for several.
    :raises PreconditionFailed: for an ETag that no version of ours has.
    """
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    if not _ETAG.fullmatch(text):
        raise BadRequest(f"If-Match: {text[:30]} is not one ETag.", hint='Send the ETag that you read, as "3".')
    if not (version := _VERSION.fullmatch(text)):
        raise PreconditionFailed(f"If-Match: {text[:30]} is no version of this.")
    return int(version[1])


def etag(version: int) -> dict[str, str]:
    """The ``ETag`` header of a version."""
    return {"ETag": f'"{version}"'}
