"""``flask aiagents rollup``: sum up the log by hour, day and week, as maintenance does."""

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
    done = analytics.rebuild(start, end, tell=_tell_day)
    click.echo(f"{done:,} executions were summed anew.")


def _tell_day(day: datetime, count: int | None) -> None:
    kept = "stays as it is: logs of this day have been deleted"
    click.echo(f"{day:%Y-%m-%d}  {kept if count is None else f'{count:,}'}")
