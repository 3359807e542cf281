"""The panel's texts in the reader's language, through gettext.

The language is Flask-Babel's when the host uses it, else the best of the browser's. Catalogues are named
``aiagents.mo``; the host's own ``translations/<language>/LC_MESSAGES/`` come first, then ours.
"""

from __future__ import annotations

import gettext as stdlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import current_app, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

DOMAIN = "aiagents"

_OURS = str(files("flask_aiagents.surfaces.admin") / "translations")


class LazyText(str):
    """A text that is translated when it is shown: for what is named at import."""

    __slots__ = ()

    def __str__(self) -> str:
        return gettext(str.__str__(self))

    def __html__(self) -> str:
        from markupsafe import escape

        return escape(str(self))


def gettext(text: str, **values: Any) -> str:
    """The text in the reader's language, with ``%(name)s`` filled in."""
    translated = _catalogue().gettext(text)
    return translated % values if values else translated


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The text for this number; ``%(num)s`` is the number."""
    return _catalogue().ngettext(one, many, number) % {"num": number, **values}


_ = gettext


def lazy(text: str) -> LazyText:
    """Mark a text that is translated when it is shown."""
    return LazyText(text)


_l = lazy


@contextmanager
def idle_babel() -> Iterator[None]:
    """Let Flask-Admin and WTForms use English where Flask-Babel is installed but not initialized in this app.

    They use Flask-Babel as soon as it can be imported, and without ``Babel(app)`` each text would be a KeyError.
    """
    if sys.modules.get("flask_babel") is None or "babel" in current_app.extensions:
        yield
        return
    from flask_babel import force_locale  # pyright: ignore[reportMissingImports]  # where the host has it

    with force_locale("en"):
        yield


def language() -> str:
    """The reader's language, as HTML names it."""
    return _locale().replace("_", "-")


def _catalogue() -> stdlib.NullTranslations:
    return _load(_locale(), _host_folder())


@lru_cache(maxsize=32)
def _load(locale: str, host_folder: str) -> stdlib.NullTranslations:
    ours = stdlib.translation(DOMAIN, _OURS, [locale], fallback=True)
    hosts = stdlib.translation(DOMAIN, host_folder, [locale], fallback=True)
    hosts.add_fallback(ours)
    return hosts


def _host_folder() -> str:
    return f"{current_app.root_path}/translations"


def _locale() -> str:
    if not has_request_context():
        return "en"
    if "babel" in current_app.extensions:
        from flask_babel import get_locale  # pyright: ignore[reportMissingImports]  # the host's, where it is used

        return str(get_locale() or "en")
    return _wanted(request.headers.get("Accept-Language", ""), _host_folder())


@lru_cache(maxsize=128)
def _wanted(accepted: str, host_folder: str) -> str:
    # Kept: a page has a hundred texts, and each asks.
    languages = parse_accept_header(accepted, LanguageAccept)
    return languages.best_match(list(_known(host_folder)), "en") or "en"


@lru_cache(maxsize=8)
def _known(host_folder: str) -> tuple[str, ...]:
    found = [path.parts[-3] for folder in (_OURS, host_folder) for path in _catalogues(folder)]
    return tuple(dict.fromkeys(["en", *found]))


def _catalogues(folder: str) -> list[Path]:
    return sorted(Path(folder).glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
