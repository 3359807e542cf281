"""``flask aiagents keys``: API keys for machine clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import click

from ...core.installed import installation
from ...core.principal import Principal, Role
from ...features.access.policy import Permission
from ...web.filtering import MAX_LIMIT, Query
from .group import Group

OPERATOR = Principal("cli", None, Role.SUPER_ADMIN)
"""Who acts in a terminal: whoever can run commands on the host's machine is its operator."""

keys = Group("keys", help="API keys for machine clients.")

_tenant = click.option("--tenant", help="The tenant; without one, what belongs to no tenant.")


@keys.command()
@_tenant
@click.option("--user", help="Whom the key acts as.  [default: cli]")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice([permission.slug for permission in Permission]),
    help="What the key may do; give it several times.  [default: all that its role may]",
)
@click.option(
    "--agent",
    "agent_ids",
    multiple=True,
    type=click.UUID,
    help="An agent that the key is for; give it several times.  [default: all agents]",
)
@click.option("--expires", type=click.DateTime(), help="When it ends, in UTC.  [default: never]")
def create(
    tenant: str | None,
    user: str | None,
    role: str,
    name: str,
    permissions: tuple[str, ...],
    agent_ids: tuple[UUID, ...],
    expires: datetime | None,
) -> None:
    """Make a key and print its token, once."""
    if tenant is None and role != Role.SUPER_ADMIN:
        raise click.UsageError(f"A {role} belongs to a tenant. Name it with --tenant.")
    data = {"name": name, "role": role, "user_id": user or OPERATOR.user_id, "expires_at": _utc(expires)}
    data |= {"permissions": list(permissions) or None, "agent_ids": [str(id_) for id_ in agent_ids] or None}
    new = installation().keys.create(
        {key: value for key, value in data.items() if value is not None}, principal=_operator(tenant)
    )
    click.echo(f"Key {new.key.id}. This is the only sight of its token:", err=True)
    click.echo(new.token)


@keys.command("list")
@_tenant
def list_keys(tenant: str | None) -> None:
    """List the keys of a tenant, or of all."""
    service, principal, cursor = installation().keys, _operator(tenant), None
    while True:
        page = service.list(Query(limit=MAX_LIMIT, cursor=cursor), principal=principal)
        for key in page.items:
            click.echo(_line(key))
        if (cursor := page.next_cursor) is None:
            return


@keys.command()
@click.argument("key_id", type=click.UUID)
def revoke(key_id: UUID) -> None:
    """End a key for good."""
    installation().keys.revoke(key_id, principal=OPERATOR)
    click.echo(f"Key {key_id} is revoked, and so are the keys that it made.")


def _operator(tenant: str | None) -> Principal:
    return OPERATOR if tenant is None else OPERATOR.acting_for(tenant)


def _utc(moment: datetime | None) -> str | None:
    return moment and moment.replace(tzinfo=UTC).isoformat()


def _line(key: dict[str, Any]) -> str:
    state = next((f"{word} {key[field]:%Y-%m-%d}" for word, field in _STATES if key[field]), "no expiry")
    limits = "".join(f"  {len(key[name])} {words}" for name, words in _LIMITS if key[name] is not None)
    return (
        f"{key['id']}  {key['tenant_id'] or '-'}  {key['user_id']}  {key['role']}{limits}  {state}  {key['name']}"
    )


_LIMITS = (("permissions", "permission(s)"), ("agent_ids", "agent(s)"))
_STATES = (("revoked", "revoked_at"), ("expires", "expires_at"))
