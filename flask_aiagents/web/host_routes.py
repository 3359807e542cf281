"""Our URL rules beside the host's: which are whose, and how ours yield where both have the same URL.

werkzeug takes the rule that was added first where two are alike, so without this a host's ``/api/health`` would
win or lose by the order of two lines. Ours yield by their methods, which werkzeug asks for each match: the
answer is worked out when a rule is first met, when all routes are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import Flask
from werkzeug.routing import Map, MapAdapter, Rule

UNMATCHED = "aiagents_unmatched"
"""The endpoint of the catch-all under the prefix."""

_ARGUMENT = re.compile(r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\(.*?\))?:)?[a-zA-Z_]\w*>")

_SAMPLES = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1", "float": "1.0"}
"""A value for each converter of our rules; any text serves for the others."""


def is_ours(rule: Rule) -> bool:
    """Whether a rule belongs to the extension, the catch-all included."""
    return rule.endpoint.startswith("aiagents")


def rules_of(app: Flask, *, ours: bool) -> Map:
    """A copy of the app's map with our rules alone, or with the host's."""
    wanted = (rule for rule in app.url_map.iter_rules() if rule.endpoint != UNMATCHED)
    chosen = [rule.empty() for rule in wanted if is_ours(rule) == ours]
    return Map(
        chosen,
        host_matching=app.url_map.host_matching,
        strict_slashes=app.url_map.strict_slashes,
        merge_slashes=app.url_map.merge_slashes,
        converters=app.url_map.converters,
    )


def host_uses(app: Flask, path: str) -> bool:
    """Whether the host has routes at this path or below."""
    rules = (rule.rule for rule in app.url_map.iter_rules() if not is_ours(rule))
    return any(rule == path or rule.startswith(f"{path}/") for rule in rules)


def yield_to_host(app: Flask) -> None:
    """Let a route of the host win over one of ours at the same URL, whichever was added first."""
    host = _HostRules(app)
    for rule in app.url_map.iter_rules():
        if is_ours(rule) and rule.endpoint != UNMATCHED:
            rule.methods = _YieldingMethods(rule.methods or (), host, rule)


class _YieldingMethods(set[str]):
    """The methods of one of our rules, without those that a rule of the host takes at the same URL."""

    def __init__(self, methods: Iterable[str], host: _HostRules, rule: Rule) -> None:
        super().__init__(methods)
        self._host = host
        self._rule = rule

    def __contains__(self, method: object) -> bool:
        return super().__contains__(method) and not self._host.takes(self._rule, str(method))


class _HostRules:
    """The host's rules, read again when it has added some."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._known = -1
        self._taken: dict[tuple[str, str], bool] = {}
        self._adapter: MapAdapter | None = None

    def takes(self, rule: Rule, method: str) -> bool:
        """Whether the host has a rule of the same form that matches what ours matches."""
        if self._known != len(self._app.view_functions):
            self._known, self._adapter = len(self._app.view_functions), None
            self._taken.clear()
        key = rule.rule, method
        if key not in self._taken:
            self._taken[key] = self._matches(rule, method)
        return self._taken[key]

    def _matches(self, ours: Rule, method: str) -> bool:
        adapter = self._adapter = self._adapter or rules_of(self._app, ours=False).bind("")
        path = _ARGUMENT.sub(lambda found: _SAMPLES.get(found["converter"] or "", "x"), ours.rule)
        for url in (path, f"{path}/"):
            try:
                theirs, _ = adapter.match(url, method, return_rule=True)
            except Exception:  # noqa: S112  # a converter of the host may refuse our sample in any way
                continue
            return self._form(theirs) == self._form(ours)
        return False

    def _form(self, rule: Rule) -> str:
        """A rule without the names and kinds of its arguments; a wide one differs from one of a single part."""
        return _ARGUMENT.sub(self._argument, rule.rule).rstrip("/")

    def _argument(self, found: re.Match[str]) -> str:
        converter = self._app.url_map.converters[found["converter"] or "default"]
        return "<>" if converter.part_isolating else "<...>"
