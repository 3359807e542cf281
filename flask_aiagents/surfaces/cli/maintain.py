"""``flask aiagents maintain``: what the maintenance thread does, for those who prefer cron."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from ...core.installed import installation


@click.command()
@click.option("--loop", is_flag=True, help="Go on until stopped, as the maintenance thread does.")
@click.option(
    "--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between ticks."
)
@with_appcontext
def maintain(loop: bool, every: float) -> None:
    """End executions whose process died and refresh cached figures, once."""
    _tick()
    while loop:
        time.sleep(every)
        try:
            _tick()
        except SQLAlchemyError as error:  # the database may be away for a while; the next tick asks again
            click.echo(f"Maintenance failed, and tries again in {every:g} s: {error}", err=True)


def _tick() -> None:
    done = installation().maintenance.tick()
    click.echo("; ".join(f"{task}: {count}" for task, count in done.items()) or "Another process is at it.")
