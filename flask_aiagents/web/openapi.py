"""What an operation takes and answers, said once beside its route and gathered into ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import marshmallow as ma

from .columns import Column, Columns
from .filtering import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, OPERATORS

View = TypeVar("View", bound=Callable[..., Any])
Schema = type[ma.Schema] | ma.Schema

ALWAYS = (400, 401, 403, 500, 503)
"""What any operation can answer."""

_WRITES = (404, 409, 413, 415, 422)

_ERROR_TEXTS = {
    400: "The request cannot be read.",
    401: "Nobody is acting.",
    403: "The principal may not do this.",
    404: "Absent, or another tenant's.",
    406: "`Accept` asks for one object and the list has not exactly one row.",
    409: "The present state refuses it.",
    412: "`If-Match` is stale.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "Fields are wrong; `details` maps each to its messages.",
    429: "The rate limit is reached; see `Retry-After`.",
    500: "Something went wrong on the server.",
    502: "The model's provider failed.",
    503: "Temporarily not possible; see `Retry-After`.",
    504: "The model's provider was late.",
}

PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`return=minimal` for no body after a write, `count=exact` for the total of a list.",
}

LENIENT = PREFER | {
    "description": "`handling=lenient` to keep good ones of an array, `return=minimal` to hear of others only."
}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string", "pattern": r'^("[0-9]{1,9}"|\*)$'},
    "description": "The ETag that was read; another version is a 412.",
}

ACTING_FOR = {
    "name": "X-AIAgents-Tenant",
    "in": "header",
    "schema": {"type": "string", "maxLength": 128},
    "description": "The tenant that a super admin acts for; `*` for what all share. 403 for others.",
}

SECURITY_SCHEMES = {
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `aia_...`."},
    "login": {"type": "apiKey", "in": "cookie", "name": "session", "description": "The host's login."},
}


class DocumentsOperations:
    """The decorator that says what a view takes and answers."""

    @staticmethod
    def documents(
        status: int,
        schema: Schema | None = None,
        *,
        permission: str = "",
        body: Schema | None = None,
        or_array: bool = False,
        lenient: Schema | None = None,
        query: Columns | None = None,
        parameters: Sequence[dict[str, Any]] = (),
        errors: Sequence[int] = (),
        streams: bool = False,
        exports: Sequence[str] = (),
        events: bool = False,
    ) -> Callable[[View], View]:
        """Describe an operation.

        :param status: what it answers when all is well, with ``schema``.
        :param permission: what the principal needs, in the words of the policy.
        :param or_array: the body may be an array of ``body``; the answer is an array then.
        :param lenient: the answer to an array of which a lenient client has the good ones kept.
        :param query: the columns by which the list it answers is filtered.
        :param streams: it can answer as server-sent events.
        :param exports: the types of the file that it answers instead of a list.
        :param events: it answers what fits the filter of a list as server-sent events, which do not end.
        """
        is_list = query is not None and not exports and not events
        codes = sorted({*ALWAYS, *errors, *(_WRITES if body else ()), *((406,) if is_list else ())})
        doc: dict[str, Any] = {
            "responses": {
                str(status): _file(exports)
                if exports
                else _events()
                if events
                else _answer(status, schema, or_array, is_list, streams)
            }
            | {str(code): _error(code) for code in codes},
            "parameters": [ACTING_FOR, *parameters, *(filter_parameters(query) if query else ())],
        }
        if query and not events:
            doc["parameters"] += column_parameters(query)
        if is_list:
            doc["parameters"] += page_parameters()
        if is_list or (body and not streams):
            doc["parameters"].append(LENIENT if lenient else PREFER)
        if lenient:
            doc["responses"][str(status)]["content"]["application/json"]["schema"]["oneOf"].append(lenient)
        if status == 200 and body and not streams:
            doc["responses"]["204"] = {"description": "Done; the client preferred no body."}
        if status == 201:
            doc["responses"]["201"]["headers"] = {"Location": {"schema": {"type": "string"}}}
        if IF_MATCH in parameters and status == 200:
            doc["responses"]["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
        if body is not None:
            doc["requestBody"] = {"required": True, "content": _content(body, or_array)}
        if permission:
            doc["description"] = f"Needs the permission to {permission}."

        def decorate(view: View) -> View:
            doc["operationId"] = view.__name__
            view._apidoc = {"manual_doc": doc}  # pyright: ignore[reportFunctionMemberAccess]
            return view

        return decorate


def filter_parameters(columns: Columns) -> list[dict[str, Any]]:
    """The query parameters that say which rows a list has."""
    return [
        *(_filter_parameter(column) for column in columns),
        _query("or", "One of these conditions: `(status.eq.active,name.ilike.*sales*)`; `and` likewise."),
    ]


def column_parameters(columns: Columns) -> list[dict[str, Any]]:
    """The query parameters that say in what order rows come and with which columns."""
    return [
        _query("select", f"Columns to return: `{','.join(columns.names[:2])}`."),
        _query("order", "Columns to order by, each `.asc` or `.desc`; the id is always appended."),
    ]


def page_parameters() -> list[dict[str, Any]]:
    """The query parameters that say which page of a list."""
    return [
        _query(
            "limit",
            "Rows a page.",
            {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        ),
        _query("offset", "Rows to skip.", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}),
        _query("cursor", "From the `Link` header of the page before."),
    ]


def _filter_parameter(column: Column) -> dict[str, Any]:
    pattern = rf"^(not\.)?({'|'.join(sorted(OPERATORS))})\."
    return _query(column.name, f"Filter, as in `eq.value`; {column.kind}.", {"type": "string", "pattern": pattern})


def _query(name: str, description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema or {"type": "string"}}


def _answer(status: int, schema: Schema | None, or_array: bool, is_list: bool, streams: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        answer["content"] = _content(schema, or_array, many=is_list)
    if streams:
        answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    if is_list:
        answer["headers"] = {
            "Content-Range": {"schema": {"type": "string"}, "description": "`0-19/*`, or `/total` when counted."},
            "Link": {"schema": {"type": "string"}, "description": 'The next page, `rel="next"`.'},
        }
        answer["content"]["application/vnd.pgrst.object+json"] = {"schema": {"type": "object"}}
    return answer


def _file(types: Sequence[str]) -> dict[str, Any]:
    content = {type_: {"schema": {"type": "string"}} for type_ in types}
    return {"description": "A file.", "content": content}


def _events() -> dict[str, Any]:
    return {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def _content(schema: Schema, or_array: bool, *, many: bool = False) -> dict[str, Any]:
    array = {"type": "array", "items": schema}
    if many:
        # select= leaves columns out, so that a row of a list promises none of them
        return {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}}
    return {"application/json": {"schema": {"oneOf": [schema, array]} if or_array else schema}}


def _error(code: int) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Error"}
    answer: dict[str, Any] = {
        "description": _ERROR_TEXTS[code],
        "content": {"application/json": {"schema": reference}},
    }
    if code in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return answer
