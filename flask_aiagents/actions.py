"""Actions that the activity log knows, and the ones that clients may report."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Every action that the system records itself."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CONFIGURE = "configure"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    STORE_CREDENTIAL = "store_credential"
    DELETE_CREDENTIAL = "delete_credential"
    SET_RETENTION = "set_retention"
    FORGET = "forget"
    EXECUTE = "execute"
    TEST = "test"


USAGE_ACTIONS = frozenset({Action.EXECUTE.value, Action.TEST.value})
"""Actions that count as usage: a client that may report usage may report these."""

SYSTEM_ACTIONS = frozenset(action.value for action in Action) - USAGE_ACTIONS
"""Actions that no client may report: the log is the evidence of these changes."""
