"""``flask aiagents db``: our tables, with an Alembic history of their own."""

from __future__ import annotations

import click

from ...core import migrate
from ...core.installed import installation
from .group import Group

db = Group("db", help="Our tables: create, update, compare.")


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Create or update the tables; safe to run again at any time."""
    migrate.upgrade(installation().database, revision)
    click.echo(f"The tables are at {_current()}.")


@db.command(context_settings={"ignore_unknown_options": True})  # so that -1 is a revision
@click.argument("revision", default="-1")
def downgrade(revision: str) -> None:
    """Go back to REVISION; '-1' is one step, 'base' takes the tables away with their rows."""
    migrate.downgrade(installation().database, revision)
    click.echo(f"The tables are at {_current()}.")


@db.command()
def current() -> None:
    """Say which revision the tables are at."""
    click.echo(_current())


@db.command()
def check() -> None:
    """Compare the tables with the models; exit code 1 when they differ."""
    differences = migrate.check(installation().database)
    for difference in differences:
        click.echo(str(difference))
    if differences:
        raise click.ClickException("The tables differ from the models. Run: flask aiagents db upgrade")
    click.echo("The tables are as they should be.")


def _current() -> str:
    return migrate.current(installation().database) or "nothing: there are no tables"
