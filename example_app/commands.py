"""``flask --app example_app prepare``: for those who serve with a server of their own."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from . import seed


@click.command()
@with_appcontext
def prepare() -> None:
    """Make and fill the tables that are missing."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    seed.prepare(app, click.echo)
    click.echo("Ready. Serve with: flask --app example_app run")
