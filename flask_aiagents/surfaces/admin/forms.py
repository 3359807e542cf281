"""Forms of the panel. They judge nothing: what the services' schemas say is shown beside the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flask_admin.form import BaseForm

from ...errors import AIAgentsError
from ...types import JSONObject


class PanelForm(BaseForm):
    """A form without validators; :meth:`data_for_service` is what the service is given."""

    paths: ClassVar[Mapping[str, str]] = {}
    """Where a field's value is in the data, when not under its own name: ``{"temperature":
    "model_config.temperature"}``."""

    top_errors: list[str]
    """What is wrong with no field in particular."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.top_errors = []

    def data_for_service(self) -> JSONObject:
        """The data as the service takes it."""
        return dict(self.data)

    def show(self, error: AIAgentsError, field: str | None = None) -> None:
        """Put an error where it belongs: the schema's messages beside their fields, the rest on top.

        :param field: the field that an error without details is about.
        """
        if isinstance(error.details, Mapping):
            for path, message in messages(error.details):
                self._put(path, message)
        elif field is not None and field in self._fields:
            self._add(field, error.message)
        else:
            self.top_errors.append(" ".join(filter(None, [error.message, error.hint])))

    def _put(self, path: str, message: str) -> None:
        names = {where: name for name, where in self.paths.items()}
        parts = path.split(".")
        for length in range(len(parts), 0, -1):  # the nearest field around the place
            where = ".".join(parts[:length])
            if (name := names.get(where, where)) in self._fields:
                self._add(name, message)
                return
        self.top_errors.append(f"{path}: {message}" if path else message)

    def _add(self, name: str, message: str) -> None:
        field: Any = self._fields[name]
        field.errors = [*field.errors, message]


def messages(details: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """``{"a": {"b": ["no"]}}`` -> ``("a.b", "no")``"""
    if isinstance(details, Mapping):
        for key, inner in details.items():
            name = "" if key == "_schema" else str(key)
            yield from messages(inner, ".".join(filter(None, [path, name])))
    elif isinstance(details, list):
        for message in details:
            yield path, str(message)
    else:
        yield path, str(details)
