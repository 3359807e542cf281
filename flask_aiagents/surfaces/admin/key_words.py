"""Permissions of API keys in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from ...features.access.policy import Permission
from .texts import _l

PERMISSIONS: Mapping[Permission, str] = {
    Permission.READ_AGENTS: _l("See agents"),
    Permission.CREATE_AGENT: _l("Create agents"),
    Permission.UPDATE_AGENT: _l("Change agents"),
    Permission.DELETE_AGENT: _l("Delete agents"),
    Permission.OVERRIDE_STATUS: _l("Change a status that an admin set"),
    Permission.EXECUTE_AGENT: _l("Run agents"),
    Permission.READ_CONFIGURATION: _l("See configurations"),
    Permission.WRITE_CONFIGURATION: _l("Change configurations"),
    Permission.READ_ACTIVITY: _l("See activity"),
    Permission.READ_OTHERS_ACTIVITY: _l("See the activity of other users"),
    Permission.RECORD_ACTIVITY: _l("Record activity"),
    Permission.REPORT_USAGE: _l("Report executions, tokens and costs"),
    Permission.READ_ANALYTICS: _l("See metrics and costs"),
    Permission.MANAGE_CREDENTIALS: _l("Manage provider keys"),
    Permission.MANAGE_KEYS: _l("Manage API keys"),
    Permission.MANAGE_RETENTION: _l("Set how long logs are kept"),
    Permission.FORGET: _l("Erase a tenant or a person"),
}
"""One line for each permission that a form offers."""
