"""The fields of an agent's form: what is typed stays as it was typed, what is sent is what the schema judges.

``data`` is shown, ``sent`` goes to the service; a blank field sends None. What cannot be converted is sent as it
is, so that the service's schema says what is wrong with it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from wtforms import Field, PasswordField, StringField, TextAreaField

from ...errors import BadRequest
from ...llm.text import scrub
from ...types import JSON
from ...web.json import dumps, parse_json
from .texts import _


class TextField(StringField):
    """A line of text."""

    @property
    def sent(self) -> str | None:
        return scrub(self.data or "").strip() or None


class SecretField(PasswordField):
    """A secret: typed, sent, and never put into a page."""

    @property
    def sent(self) -> str | None:
        return scrub(self.data or "").strip() or None


class ProseField(TextAreaField):
    """Long text; a browser's line ends become newlines, so that opening and saving changes nothing."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data = valuelist[0].replace("\r\n", "\n")

    @property
    def sent(self) -> str | None:
        text = scrub(self.data or "")
        return text if text.strip() else None


class NumberField(StringField):
    """A number, kept as the text that was typed: a browser's number field would lose what is none."""

    def process_data(self, value: Any) -> None:
        self.data = None if value is None else str(value).removesuffix(".0")

    @property
    def sent(self) -> JSON:
        text = scrub(self.data or "").strip()
        for convert in (int, float):
            try:
                return convert(text) if text else None
            except ValueError:
                continue
        return text


class LinesField(TextAreaField):
    """Words, one a line; a line break or a backslash inside of one is written ``\\n`` and ``\\\\``."""

    def process_data(self, value: Any) -> None:
        self.data = "\n".join(word.replace("\\", "\\\\").replace("\n", "\\n") for word in value or ())

    @property
    def sent(self) -> list[str] | None:
        lines = scrub(self.data or "").replace("\r", "").split("\n")
        return [_unescaped(line) for line in lines if line] or None


def _unescaped(line: str) -> str:
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", line)


class JsonField(TextAreaField):
    """A JSON value."""

    problem: str | None = None
    """Why the text is none; it says more than the schema could."""

    def process_data(self, value: Any) -> None:
        self.data = None if value is None else json.dumps(json.loads(dumps(value)), indent=2, ensure_ascii=False)

    @property
    def sent(self) -> JSON:
        text = (self.data or "").strip()
        if not text:
            return None
        try:
            return parse_json(text.encode("utf-8", "replace"))
        except BadRequest as error:
            self.problem = _not_json(error)
            return scrub(text)


def _not_json(error: BadRequest) -> str:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        return _("This is not JSON: see line %(line)s, column %(column)s.", line=cause.lineno, column=cause.colno)
    return _("This is not JSON that can be stored.")


class WordsField(Field):
    """Some of many words, each with a checkbox."""

    def process_data(self, value: Any) -> None:
        self.data = list(value or ())

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [scrub(value) for value in valuelist]

    @property
    def sent(self) -> list[str]:
        return list(dict.fromkeys(self.data))


class FallbacksField(Field):
    """Rows of a provider and a model, each two fields of the same name; blank rows are none."""

    row_errors: dict[int, list[str]]

    def process_data(self, value: Any) -> None:
        self.row_errors = {}
        self.data = [(row.get("provider", ""), row.get("model", "")) for row in value or ()]

    def process_formdata(self, valuelist: list[Any]) -> None:
        pairs = zip(valuelist[::2], valuelist[1::2], strict=False)
        self.data = [
            (scrub(provider), scrub(model).strip()) for provider, model in pairs if provider or model.strip()
        ]

    @property
    def sent(self) -> list[dict[str, str]] | None:
        return [
            {key: value for key, value in zip(("provider", "model"), row, strict=True) if value}
            for row in self.data
        ] or None
