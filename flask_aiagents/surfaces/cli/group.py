"""A group of commands that says what went wrong in a sentence, not in a traceback."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ...errors import AIAgentsError


class Group(AppGroup):
    """Flask's group; errors of the system and of the database end a command with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AIAgentsError as error:
            raise click.ClickException(_sentence(error)) from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database refused: {error.orig}. 'flask aiagents doctor' says what is wrong."
            ) from error


def _sentence(error: AIAgentsError) -> str:
    if not isinstance(error.details, dict):
        return str(error)
    fields = (f"  {name}: {' '.join(map(str, messages))}" for name, messages in error.details.items())
    return "\n".join([error.message, *fields])
