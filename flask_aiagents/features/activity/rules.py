"""How long logs are kept: pure rules, from the host's setting and the tenants' own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .models import ActivityLog

ALL = "*"
"""The action of a rule for all actions that have none of their own."""

FOR_GOOD = 0
"""Days of what is never deleted."""

Days = Mapping[str, int]
"""Days by action, with :data:`ALL` for the others."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Some logs, and after how many days they leave."""

    days: int
    tenant_id: str | None
    """None: of all tenants but those in ``without_tenants``, and of no tenant."""
    action: str | None
    """None: every action but those in ``without_actions``."""
    without_tenants: tuple[str, ...] = ()
    without_actions: tuple[str, ...] = ()

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """Which logs these are, however old."""
        log = ActivityLog
        if self.tenant_id is not None:
            yield log.tenant_id == self.tenant_id
        elif self.without_tenants:
            yield sa.or_(log.tenant_id.is_(None), log.tenant_id.not_in(self.without_tenants))
        if self.action is not None:
            yield log.action == self.action
        elif self.without_actions:
            yield log.action.not_in(self.without_actions)


def expiries(setting: Days, rules: Sequence[Any]) -> list[Expiry]:
    """What leaves when: each log is in exactly one of these.

    :param rules: rows with ``tenant_id``, ``action`` and ``days``. A tenant's rule for all actions hides the whole
        setting; otherwise the setting holds for the actions that its rules do not name.
    """
    own: dict[str, dict[str, int]] = {}
    for rule in rules:
        own.setdefault(rule.tenant_id, {})[rule.action] = rule.days
    found = list(_split(setting, None, tuple(sorted(own))))
    for tenant_id, days in sorted(own.items()):
        found += _split(days if ALL in days else {**setting, **days}, tenant_id, ())
    return found


def longest(found: Sequence[Expiry]) -> int:
    """Days after which every log has left; :data:`FOR_GOOD` when some never do."""
    return FOR_GOOD if any(one.days == FOR_GOOD for one in found) else max(one.days for one in found)


def _split(days: Days, tenant_id: str | None, without: tuple[str, ...]) -> Iterator[Expiry]:
    named = {action: count for action, count in sorted(days.items()) if action != ALL}
    for action, count in named.items():
        yield Expiry(count, tenant_id, action, without)
    yield Expiry(days.get(ALL, FOR_GOOD), tenant_id, None, without, tuple(named))
