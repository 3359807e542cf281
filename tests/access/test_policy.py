from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from flask import Flask
from support.cast import ALICE, BOB, ROOT

from flask_aiagents import AIAgents, ConfigurationError, Permission, Policy, Principal, Role
from flask_aiagents.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Row:
    """A row as policies see it."""

    tenant_id: str | None
    created_by: str


BOBS = Row("acme", "bob")
"""What bob made in his tenant."""


class MayEdit(Policy):
    """Users may update agents."""

    grants: ClassVar = {**Policy.grants, Role.USER: Policy.grants[Role.USER] | {Permission.UPDATE_AGENT}}


class TwoArguments(Policy):
    """A policy as hosts wrote it before rows were passed."""

    def allows(self, principal: Principal, permission: Permission) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]  # that is the test
        return permission in self.grants[principal.role]


class AnyArguments(Policy):
    """A policy that passes on whatever it gets."""

    def allows(self, *args: Any, **options: Any) -> bool:
        return super().allows(*args, **options)


@pytest.mark.parametrize(
    ("principal", "row", "allowed"),
    [
        (BOB, None, True),
        (BOB, BOBS, True),
        (BOB, Row("acme", "alice"), False),
        (BOB, Row("globex", "bob"), False),
        (BOB, Row(None, "bob"), False),
        (ALICE, BOBS, True),
        (ROOT, BOBS, True),
    ],
)
@pytest.mark.requirement("R17")
def test_users_may_change_only_what_they_made(principal: Principal, row: Row | None, allowed: bool) -> None:
    """The general question is answered for any row; a given row must be the user's own, in the same tenant."""
    assert MayEdit().allows(principal, Permission.UPDATE_AGENT, row) is allowed


def test_only_admins_may_report_usage() -> None:
    """Reporting executions, tokens and costs is a permission of admins."""
    allowed = {who.user_id for who in (ALICE, BOB, ROOT) if Policy().allows(who, Permission.REPORT_USAGE)}
    assert allowed == {"alice", "root"}


def test_a_policy_without_rows_is_refused_at_start() -> None:
    """A policy with the old signature would grant every row, so the app does not start with it."""
    with pytest.raises(ConfigurationError, match=r"TwoArguments\.allows\(\) .* row=None"):
        _mount(TwoArguments())
    assert _mount(AnyArguments()).config["AIAGENTS_DATABASE_URI"]


def test_require_passes_the_row_to_the_policy() -> None:
    """``Access.require`` with a row refuses a user on somebody else's row, and says what to do."""
    access = _mount(MayEdit()).extensions["aiagents"].access
    assert access.require(Permission.UPDATE_AGENT, BOB, row=BOBS) is BOB
    with pytest.raises(Forbidden, match="what you made yourself"):
        access.require(Permission.UPDATE_AGENT, BOB, row=Row("acme", "alice"))


def _mount(policy: Policy) -> Flask:
    app = Flask(__name__)
    app.config["AIAGENTS_DATABASE_URI"] = "sqlite://"
    AIAgents(app, policy=policy, identity=lambda: None)
    return app
