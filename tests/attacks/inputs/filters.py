"""Query strings that ask as much of the database as one request can: for lists, exports and analytics.

Data only: ``(name, path and query)``, relative to the API's prefix. The log that they run on should hold payloads
of ``HOSTILE_TEXT``, over which patterns of many a's are slowest. Each must end in an answer below 500.
"""

from __future__ import annotations

from urllib.parse import quote

HOSTILE_TEXT = "a" * 60_000
"""A payload on which a pattern matches almost everywhere and nowhere to its end."""

LOGS = "/ai_agent_activity_logs"
ANALYTICS = "/ai_agent_analytics"

_TEXT = "request_data->>input"


def _logs(key: str, value: str, more: str = "", path: str = LOGS) -> str:
    return f"{path}?{quote(key)}={quote(value)}{more}"


def _any_of(condition: str, times: int) -> str:
    return "(" + ",".join([condition] * times) + ")"


PATTERNS: tuple[tuple[str, str], ...] = (
    ("a pattern as long as the query string", _logs(_TEXT, "like.*" + "a" * 5_000 + "b*")),
    ("the longest pattern that is allowed", _logs(_TEXT, "like.*" + "a" * 97 + "b*")),
    ("the same, whatever the case", _logs(_TEXT, "ilike.*" + "a" * 97 + "b*")),
    ("all wildcards that are allowed", _logs(_TEXT, "like." + "*a" * 7 + "*b")),
    ("more wildcards", _logs(_TEXT, "like." + "*a" * 49 + "b")),
    ("single-character wildcards", _logs(_TEXT, "like.*" + "_" * 97 + "b*")),
    ("as many patterns as are allowed", _logs("or", _any_of(f"{_TEXT}.like.*{'a' * 90}b*", 10))),
    ("as many patterns as fit", _logs("or", _any_of(f"{_TEXT}.like.*{'a' * 60}b*", 80))),
    ("negated patterns", _logs("and", _any_of(f"{_TEXT}.not.ilike.*{'a' * 90}b*", 10))),
    ("a pattern for a single row", _logs(_TEXT, "like.*" + "a" * 97 + "b*", "&limit=1")),
    ("a pattern over an unusual order", _logs(_TEXT, "like.*" + "a" * 97 + "b*", "&order=action")),
    ("a pattern far behind", _logs(_TEXT, "like.*a*", "&offset=10000")),
    ("an export of a pattern", _logs(_TEXT, "like.*" + "a" * 97 + "b*", "", f"{LOGS}/export")),
    ("an export of everything", f"{LOGS}/export?format=jsonl"),
    ("ids by the hundred", _logs("id", "in.(" + ",".join([f"{n:032x}" for n in range(240)]) + ")")),
    ("values by the thousand", _logs("action", "in.(" + "a," * 3_500 + "a)")),
    ("lists that contain lists", _logs("attempts", "cs.{" + "a," * 3_000 + "a}")),
    ("as many JSON paths as are allowed", _logs("or", _any_of("request_data->>a.eq.1", 20))),
    ("a hundred JSON paths", _logs("or", _any_of("request_data->>a.eq.1", 99))),
    ("a path of a thousand keys", _logs("request_data" + "->a" * 1_000, "eq.1")),
    ("groups in groups", _logs("or", "(" + "or(" * 1_500 + "action.eq.a" + ")" * 1_500 + ")")),
    ("a thousand conditions", _logs("or", _any_of("status.eq.a", 600))),
    ("a sorted whole", f"{LOGS}?order=agent_name.desc,status,action.desc,source,user_id.desc&limit=200"),
)
"""Lists and exports of the log."""

QUERIES: tuple[tuple[str, str], ...] = (
    ("every hour of six weeks", f"{ANALYTICS}/timeseries?last=41d&step=hour"),
    ("every hour of ten years", f"{ANALYTICS}/timeseries?last=3650d&step=hour"),
    ("all days that there ever were", f"{ANALYTICS}/timeseries?period=0001-01-01/9999-12-31&step=day"),
    ("a thousand months", f"{ANALYTICS}/timeseries?period=1950-01-01/2033-01-01&step=month"),
    ("users by the hundred", f"{ANALYTICS}/usage?by=user&top=200&last=3650d"),
    ("agents by the hundred", f"{ANALYTICS}/usage?by=agent&top=200&last=3650d"),
    ("models by the hundred", f"{ANALYTICS}/usage?by=model&top=200&period=2000-01-01/2100-01-01"),
    ("more than are told", f"{ANALYTICS}/usage?by=action&top=100000000"),
    ("costs of a lifetime", f"{ANALYTICS}/costs?last=36500d&top=200"),
    ("costs in a far zone", f"{ANALYTICS}/costs?last=365d&top=200&zone=Pacific%2FApia"),
    ("errors of a lifetime", f"{ANALYTICS}/errors?last=36500d&top=200"),
    ("a summary of a lifetime", f"{ANALYTICS}/summary?last=36500d"),
    ("a summary between two odd minutes", f"{ANALYTICS}/summary?period=2020-01-01T00:07:31Z/2026-01-01T23:51:29Z"),
    ("a user with a long name", f"{ANALYTICS}/usage?by=model&user_id={'u' * 4_000}"),
)
"""Analytics."""
