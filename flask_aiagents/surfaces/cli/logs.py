"""``flask aiagents logs``: the activity log as a file."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import click
from werkzeug.datastructures import MultiDict

from ...core.clock import uuid7_from
from ...core.installed import installation
from ...features.activity.export import Format
from ...web.filtering import Filter, Query, Term, parse
from .group import Group
from .keys import OPERATOR
from .partial import Partial

TOLD_EVERY = 10_000_000
"""Bytes between two words about how far it is."""

logs = Group("logs", help="The activity log.")


@logs.command("export")
@click.option("--tenant", help="Whose logs.  [default: all]")
@click.option("--where", multiple=True, metavar="CONDITION", help="As in lists: status=eq.error. Can be repeated.")
@click.option("--from", "start", type=click.DateTime(), help="From this time on, in UTC.")
@click.option("--to", "end", type=click.DateTime(), help="Up to, but not including, this time.")
@click.option("--format", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--gzip", "packed", is_flag=True, help="Pack it.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.  [default: stdout]")
@click.option("--resume", is_flag=True, help="Go on with a file that broke off. Repeat the other options.")
def export_logs(
    tenant: str | None,
    where: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    format: Format,
    packed: bool,
    output: Path | None,
    resume: bool,
) -> None:
    """Export logs, newest first. Until it is whole the file is called FILE.part."""
    query = Query(terms=(*_conditions(where), *_period("gte", start), *_period("lt", end)))
    if output is None:
        if resume:
            raise click.UsageError("--resume goes on with a file. Name it with --output.")
        _write(partial(click.echo, nl=False), _parts(query, tenant, format, packed))
        return
    target = Partial(output, format, packed)
    if resume and target.is_whole:
        click.echo(f"{output} is whole.", err=True)
        return
    with target.open(resume) as (file, last):
        _write(file.write, _parts(query, tenant, format, packed, last))
    click.echo(f"{output} is whole: {output.stat().st_size:,} bytes.", err=True)


def _conditions(where: tuple[str, ...]) -> tuple[Term, ...]:
    query = parse(MultiDict((name, value) for name, _, value in (text.partition("=") for text in where)))
    if query != Query(terms=query.terms):
        raise click.UsageError("--where takes conditions alone, such as status=eq.error.")
    return query.terms


def _period(operator: str, moment: datetime | None) -> Iterator[Filter]:
    """Of the time and of the id, since either may lead through an index."""
    if moment is not None:
        moment = moment.replace(tzinfo=UTC)
        yield Filter("created_at", operator, moment.isoformat())
        yield Filter("id", operator, str(uuid7_from(moment)))


def _parts(
    query: Query, tenant: str | None, format: Format, packed: bool, last: str | None = None
) -> Iterator[bytes]:
    principal = OPERATOR if tenant is None else OPERATOR.acting_for(tenant)
    query = Query(terms=query.terms, cursor=last)
    parts = installation().activity.export(query, format, principal=principal)
    # Each part is packed by itself, since a sequence of gzip files is one: a broken file has whole ones to keep.
    # An empty one comes first, or no logs would be no gzip file.
    return map(gzip.compress, chain([b""], parts)) if packed else parts


def _write(write: Callable[[bytes], Any], parts: Iterable[bytes]) -> None:
    done = told = 0
    for part in parts:
        write(part)
        done += len(part)
        if done - told >= TOLD_EVERY:
            told = done
            click.echo(f"{done:,} bytes ...", err=True)
