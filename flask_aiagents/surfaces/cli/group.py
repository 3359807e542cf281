"""A group of commands that says what went wrong in a sentence, not in a traceback."""

from __future__ import annotations

from importlib import import_module
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


class Commands(Group):
    """All commands, each imported when it is asked for: a process that serves requests needs none of them.

    A command has the name of its module here.
    """

    NAMES = ("credentials", "db", "doctor", "forget", "keys", "logs", "maintain", "retention", "rollup")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.NAMES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.NAMES:
            return getattr(import_module(f".{cmd_name}", __package__), cmd_name)
        return super().get_command(ctx, cmd_name)


def _sentence(error: AIAgentsError) -> str:
    if not isinstance(error.details, dict):
        return str(error)
    fields = (f"  {name}: {' '.join(map(str, messages))}" for name, messages in error.details.items())
    return "\n".join([error.message, *fields])
