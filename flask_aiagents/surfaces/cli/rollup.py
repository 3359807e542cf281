"""``flask aiagents rollup``: sum up the log by hour and by day, as maintenance does."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from ...core.installed import installation


@click.command()
@click.option(
    "--rebuild",
    type=click.DateTime(),
    nargs=2,
    metavar="FROM TO",
    help="Sum the days from FROM up to, but not including, TO anew, in UTC.",
)
@with_appcontext
def rollup(rebuild: tuple[datetime, datetime] | None) -> None:
    """Count ended executions into the sums that figures are read from."""
    analytics = installation().analytics
    if rebuild is None:
        done = analytics.roll_up(seconds=None, tell=lambda count: click.echo(f"{count:,} ..."))
        click.echo(f"{done:,} executions were rolled up.")
        return
    start, end = (moment.replace(tzinfo=UTC) for moment in rebuild)
    done = analytics.rebuild(start, end, tell=lambda day, count: click.echo(f"{day:%Y-%m-%d}  {count:,}"))
    click.echo(f"{done:,} executions were summed anew.")
