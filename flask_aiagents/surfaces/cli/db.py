"""``flask aiagents db``: our tables, with the commands and options of Flask-Migrate's ``flask db``.

Names, options and help come from Flask-Migrate; the work goes through ``core.migrate``, which has our folder, our
version table and our lock. Flask-Migrate is imported with the first command, because it imports Alembic.
"""

from __future__ import annotations

from collections.abc import Callable

import click
from flask.cli import with_appcontext

from ...core import migrate
from ...core.installed import installation
from .group import Group

_LEFT_OUT = ("directory", "x_arg", "tag")
"""Options that are for a host's own environment."""

_NONE = "nothing: there are no tables"


class MigrationGroup(Group):
    """Flask-Migrate's commands that serve an environment which a package ships."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _command(cmd_name) if cmd_name in _COMMANDS else None


def _command(name: str) -> click.Command:
    from flask_migrate import cli  # pyright: ignore[reportAttributeAccessIssue]  # missing in its stub

    theirs = cli.db.commands[name]
    return click.Command(
        name,
        params=[param for param in theirs.params if param.name not in _LEFT_OUT],
        help=theirs.help,
        callback=with_appcontext(_reporting(_COMMANDS[name])),
        context_settings={"ignore_unknown_options": True},  # so that -1 is a revision
    )


def _reporting(run: Callable[..., None]) -> Callable[..., None]:
    """Turn Alembic's errors, such as an unknown revision, into a sentence."""
    from alembic.util import CommandError

    def reported(**options: object) -> None:
        try:
            run(**options)
        except CommandError as error:
            raise click.ClickException(f"{error} 'flask aiagents db history' lists the revisions.") from error

    return reported


def _upgrade(revision: str, sql: bool) -> None:
    migrate.upgrade(installation().database, revision, write=_write(sql))
    _say_where(sql)


def _downgrade(revision: str, sql: bool) -> None:
    migrate.downgrade(installation().database, revision, write=_write(sql))
    _say_where(sql)


def _stamp(revision: str, sql: bool, purge: bool) -> None:
    migrate.stamp(installation().database, revision, purge=purge, write=_write(sql))
    _say_where(sql)


def _current(verbose: bool) -> None:
    if migrate.current(installation().database) is None:
        click.echo(_NONE)
    migrate.show(installation().database, "current", verbose=verbose)


def _history(rev_range: str | None, verbose: bool, indicate_current: bool) -> None:
    database = installation().database
    migrate.show(database, "history", rev_range, verbose=verbose, indicate_current=indicate_current)


def _heads(verbose: bool, resolve_dependencies: bool) -> None:
    migrate.show(installation().database, "heads", verbose=verbose, resolve_dependencies=resolve_dependencies)


def _show(revision: str) -> None:
    migrate.show(installation().database, "show", revision)


def _check() -> None:
    differences = migrate.check(installation().database)
    for difference in differences:
        click.echo(str(difference))
    if differences:
        raise click.ClickException("The tables differ from the models. Run: flask aiagents db upgrade")
    click.echo("The tables are as they should be.")


def _write(sql: bool) -> migrate.Write | None:
    return click.echo if sql else None


def _say_where(sql: bool) -> None:
    if not sql:
        click.echo(
            f"The tables are at {migrate.current(installation().database) or 'nothing: there are no tables'}."
        )


_COMMANDS: dict[str, Callable[..., None]] = {
    "upgrade": _upgrade,
    "downgrade": _downgrade,
    "current": _current,
    "check": _check,
    "history": _history,
    "heads": _heads,
    "show": _show,
    "stamp": _stamp,
}

db = MigrationGroup("db", help="Our tables: create, update, compare; as with Flask-Migrate.")
