"""``flask aiagents doctor``: what is wrong with the set-up, in plain words, and the mend for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from ...core.installed import installation
from .database_checks import (
    months_are_made,
    no_superfluous_rights,
    schemas_compile,
    secrets_open,
    sqlite_has_wal,
    tables_are_current,
    wall_stands,
)
from .findings import Finding
from .identity_checks import identity_answers, somebody_gets_in, users_have_role_and_tenant
from .setup_checks import (
    encryption_key,
    prices_are_fresh,
    rate_limit_is_shared,
    server_reports_readers,
    threads_are_left,
    threads_are_real,
)

SETUP: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    encryption_key,
    rate_limit_is_shared,
    threads_are_real,
    server_reports_readers,
    threads_are_left,
    prices_are_fresh,
    identity_answers,
)
"""Checks of the configuration and the process. A new check = a function and its line here."""

DATABASE: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    tables_are_current,
    secrets_open,
    schemas_compile,
    sqlite_has_wal,
    wall_stands,
    no_superfluous_rights,
    months_are_made,
    somebody_gets_in,
    users_have_role_and_tenant,
)
"""Checks that ask the database."""


@click.command()
@with_appcontext
def doctor() -> None:
    """Say what is wrong with the set-up and how to mend it; exit code 1 when something is."""
    findings = list(_examine(installation()))
    for finding in findings:
        click.echo(f"{finding.kind}: {finding.what}\n    {finding.mend}")
    problems = sum(finding.kind == "problem" for finding in findings)
    if problems:
        raise click.exceptions.Exit(1)
    click.echo("Nothing is wrong." if not findings else "Nothing is wrong; the advice above is worth a look.")


def _examine(system: Any) -> Iterator[Finding]:
    for check in SETUP:
        yield from check(system)
    try:
        for check in DATABASE:
            yield from check(system)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        yield Finding("problem", f"The database does not answer: {cause}", "Start it, or mend its URI and rights.")
