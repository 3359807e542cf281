"""Loggers in whose files nobody forges a line: errors quote what people wrote, and that may have line breaks."""

from __future__ import annotations

import logging
from typing import Any

_MARGIN = "\n    "


def logger(name: str) -> logging.Logger:
    """The logger of a module, whose records keep to themselves."""
    found = logging.getLogger(name)
    found.addFilter(_one_record)
    return found


def log_error(target: logging.Logger, error: BaseException, message: str, *args: object) -> None:
    """Log an error with its traceback to a logger that is not ours, in a form that forges no line of it."""
    if target.isEnabledFor(logging.ERROR):
        info = (type(error), error, error.__traceback__)
        record = target.makeRecord(target.name, logging.ERROR, "flask_aiagents", 0, message, args, info)
        _one_record(record)
        target.handle(record)


def _one_record(record: logging.LogRecord) -> bool:
    """Words without line breaks; a traceback whose every line begins with a margin, as no record does.

    The error itself stays with the record, for those handlers that read it.
    """
    if isinstance(record.args, tuple):
        record.args = tuple(_one_line(value) for value in record.args)
    if record.exc_info:
        lines = logging.Formatter().formatException(record.exc_info).splitlines()
        record.exc_text = "    " + _MARGIN.join(lines)
    return True


def _one_line(value: Any) -> Any:
    if isinstance(value, int | float):
        return value  # it may be formatted as a number
    return " ".join(str(value).splitlines())
