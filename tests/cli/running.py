"""Running our commands in an app."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from click.testing import CliRunner
from flask import Flask

Mount = Callable[..., Flask]
"""Makes a further host; what the fixture ``mount`` is."""

_SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
"""click < 8.2 writes stderr into stdout unless it is told not to."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed and how it ended."""

    exit_code: int
    stdout_bytes: bytes
    stderr: str
    output: str
    """Both streams."""

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()


class _NobodyTypes(BytesIO):
    """Ends as a terminal without a person does; the runner of click < 8.1.4 answers prompts with "" for ever."""

    def read1(self, size: int | None = -1, /) -> bytes:
        raise EOFError


def run(app: Flask, *args: str) -> Result:
    """``flask aiagents ...``"""
    runner = app.test_cli_runner(**_SEPARATE)
    result = runner.invoke(args=["aiagents", *args], input=_NobodyTypes())
    output = result.stdout + result.stderr if _SEPARATE else result.output
    return Result(result.exit_code, result.stdout_bytes, result.stderr, output)
