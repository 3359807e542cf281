"""``flask aiagents forget``: a tenant or a person, for good."""

from __future__ import annotations

from collections.abc import Mapping

import click
from flask.cli import with_appcontext

from ...core.installed import installation
from ...features.erasure.parts import Whom
from .keys import OPERATOR

_STAYS = "Sums stay, and so does what a person made for a tenant: without the users' ids."


@click.command()
@click.option("--tenant", help="The tenant; with --user the one that the user belongs to.")
@click.option("--user", help="The user; without --tenant one of the operator's own.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def forget(tenant: str | None, user: str | None, yes: bool) -> None:
    """Delete what is kept of a tenant or a person, for good.

    Keep them out in the host before. Stop it whenever you like: run again, it goes on.
    """
    if (named := tenant if user is None else user) is None:
        raise click.UsageError("Name a tenant with --tenant, a person with --user, or a tenant's user with both.")
    erasure = installation().erasure
    if found := _told(erasure.count(tenant, user, principal=OPERATOR)):
        click.echo(f"Kept of {Whom(tenant, user)}:\n{found}\n{_STAYS}")
        if not yes and click.prompt(f"There is no way back. Type {named} to go on") != named:
            raise click.ClickException("That is another id. Nothing was changed.")
    if user is None:
        done = erasure.forget_tenant(named, tell=click.echo, principal=OPERATOR)
    else:
        done = erasure.forget_person(user, tenant_id=tenant, tell=click.echo, principal=OPERATOR)
    click.echo(f"Forgotten:\n{_told(done)}".rstrip(":\n"))


def _told(rows: Mapping[str, int]) -> str:
    return "\n".join(f"{count:>12,}  {name}" for name, count in rows.items() if count)
