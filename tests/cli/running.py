"""Running our commands in an app."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result
from flask import Flask

Mount = Callable[..., Flask]
"""Makes a further host; what the fixture ``mount`` is."""


def run(app: Flask, *args: str) -> Result:
    """``flask aiagents ...``"""
    return app.test_cli_runner().invoke(args=["aiagents", *args])
