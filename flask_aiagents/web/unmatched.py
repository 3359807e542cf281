"""URLs under our prefix that no route takes: ours answer JSON, the host's stay the host's.

An unmatched URL or method has no blueprint, so a blueprint's error handlers never see it. A catch-all of the
app does. It comes after every other rule of the app, and asks again what the answer would be without it: a URL
that the host knows by another method or with another slash gets the host's own answer, and so does an unknown
URL where the host has routes, too.
"""

from __future__ import annotations

import re

from flask import Flask, Response, request
from werkzeug import exceptions as http
from werkzeug.routing import BaseConverter, Map, RequestRedirect

from .errors import render
from .host_routes import UNMATCHED, host_uses, is_ours, rules_of
from .json import empty_response


class _AnyMethod(set[str]):
    """The methods of the catch-all: it takes each, and reports none to those who ask what a URL allows.

    werkzeug asks with the method ``--``, for ``Allow`` and for automatic answers to OPTIONS, the host's too.
    """

    def __contains__(self, method: object) -> bool:
        return method != "--"


class _Under(BaseConverter):
    """Any path under a prefix. Its weight puts it behind all rules of the host, wider ones too."""

    part_isolating = False
    weight = 1_000_000

    def __init__(self, map: Map, prefix: str) -> None:
        super().__init__(map)
        self.regex = f"{re.escape(prefix)}(?:/(?s:.*))?"  # a line break in it, too


def catch_unmatched(app: Flask, prefix: str) -> None:
    """Answer for all of the prefix that neither we nor the host have a route for.

    Without a prefix everything is the host's, and nothing is caught.
    """
    if not prefix.strip("/"):
        return
    maps: dict[bool, Map] = {}

    def unmatched(**_: str) -> Response:
        if not maps:
            maps.update({ours: rules_of(app, ours=ours) for ours in (False, True)})
        ours, theirs = _mismatch(app, maps[True]), _mismatch(app, maps[False])
        if isinstance(ours, http.NotFound) and (not isinstance(theirs, http.NotFound) or _is_hosts(app, prefix)):
            raise theirs
        if isinstance(ours, RequestRedirect):
            raise ours
        if isinstance(ours, http.MethodNotAllowed) and request.method == "OPTIONS":
            return empty_response(200, {"Allow": ", ".join(sorted({*(ours.valid_methods or ()), "OPTIONS"}))})
        return render(ours)

    app.url_map.converters[UNMATCHED] = _Under
    rule = f'/<{UNMATCHED}("{prefix.strip("/")}"):unmatched>'
    app.add_url_rule(rule, UNMATCHED, unmatched, provide_automatic_options=False)
    for added in app.url_map.iter_rules(UNMATCHED):
        added.methods = _AnyMethod()


def _is_hosts(app: Flask, prefix: str) -> bool:
    """Whether the host answers for an unknown URL: it has routes under the same first part of the path."""
    first = request.path.removeprefix(prefix).lstrip("/").partition("/")[0]
    return host_uses(app, f"{prefix}/{first}" if first in _first_parts(app, prefix) else prefix)


def _first_parts(app: Flask, prefix: str) -> set[str]:
    """What our URLs have after the prefix, such as ``ai_agents``."""
    ours = (rule.rule for rule in app.url_map.iter_rules() if is_ours(rule) and rule.endpoint != UNMATCHED)
    below = (rule.removeprefix(f"{prefix}/") for rule in ours if rule.startswith(f"{prefix}/"))
    return {path.partition("/")[0] for path in below}


def _mismatch(app: Flask, rules: Map) -> http.HTTPException:
    adapter = app.create_url_adapter(request)
    assert adapter is not None  # noqa: S101  # there is a request
    adapter.map = rules
    try:
        adapter.match()
    except http.HTTPException as error:
        return error
    return http.NotFound()
