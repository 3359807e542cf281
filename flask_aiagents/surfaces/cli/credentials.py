"""``flask aiagents credentials``: the stored provider keys."""

from __future__ import annotations

import click

from ...core.installed import installation
from .group import Group

credentials = Group("credentials", help="Stored provider keys.")


@credentials.command()
def rotate() -> None:
    """Seal every stored secret with the first of AIAGENTS_ENCRYPTION_KEYS."""
    count = installation().credentials.rotate()
    click.echo(f"Secrets sealed anew: {count}. Keys after the first may be taken out now.")
