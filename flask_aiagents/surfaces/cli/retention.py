"""``flask aiagents retention``: how long logs are kept, and what has been kept long enough deleted."""

from __future__ import annotations

import click

from ...core.installed import installation
from ...features.activity.rules import ALL
from .group import Group
from .keys import OPERATOR

retention = Group("retention", help="How long logs are kept.")

_tenant = click.option("--tenant", required=True, help="The tenant.")
_action = click.option("--action", default=ALL, show_default=True, help="The action whose logs; * for all.")


@retention.command("list")
def list_rules() -> None:
    """List the setting, and the tenants with rules of their own."""
    for action, days in sorted((installation().settings.log_retention_days or {ALL: 0}).items()):
        click.echo(_line("AIAGENTS_LOG_RETENTION_DAYS", action, days))
    for rule in installation().retention.list(principal=OPERATOR):
        click.echo(_line(rule.tenant_id or "-", rule.action, rule.days))


@retention.command("set")
@_tenant
@_action
@click.option("--days", type=int, required=True, help="Days that logs are kept; 0 for good.")
def set_rule(tenant: str, action: str, days: int) -> None:
    """Keep a tenant's logs longer or shorter than the setting says."""
    installation().retention.set(tenant, days, action=action, principal=OPERATOR)
    click.echo(_line(tenant, action, days))


@retention.command("unset")
@_tenant
@_action
def unset_rule(tenant: str, action: str) -> None:
    """Take a tenant's rule away."""
    installation().retention.unset(tenant, action=action, principal=OPERATOR)
    click.echo(f"{tenant} has no rule for {action} any more.")


@retention.command("apply")
def apply_rules() -> None:
    """Delete what has been kept long enough, as maintenance does; stop it whenever you like."""
    count = installation().retention.apply(tell=click.echo)
    click.echo(f"{count:,} logs or whole months were deleted.")


def _line(whose: str, action: str, days: int) -> str:
    return f"{whose}  {action}  {f'{days} days' if days else 'for good'}"
