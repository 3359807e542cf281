"""The configuration: from the environment, and two secrets that are made once and kept."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def settings(folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """What ``app.config`` is updated with. Every ``AIAGENTS_*`` variable reaches it and wins."""
    kept = kept_secrets(folder / "secrets.json")
    given = environ.get("AIAGENTS_DATABASE_URI") or environ.get("DATABASE_URL")
    return {
        "SECRET_KEY": kept["secret_key"],
        "SQLALCHEMY_DATABASE_URI": database_uri(given) if given else f"sqlite:///{folder / 'example.db'}",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "AIAGENTS_ENCRYPTION_KEYS": kept["encryption_key"],
    } | {key: value for key, value in environ.items() if _is_setting(key)}


def _is_setting(key: str) -> bool:
    return key.startswith("AIAGENTS_") and not key.startswith("AIAGENTS_TEST_")


def database_uri(uri: str) -> str:
    """The URI with the driver that we install, where it names none."""
    scheme, separator, rest = uri.partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"


def kept_secrets(path: Path) -> dict[str, str]:
    """Read the secrets, after making them if there are none; of two processes at once both get the same."""
    if not path.exists():
        new = {
            "secret_key": secrets.token_urlsafe(32),
            "encryption_key": base64.b64encode(os.urandom(32)).decode(),
        }
        _create(path, json.dumps(new))
    return json.loads(path.read_text(encoding="utf-8"))


def _create(path: Path, text: str) -> None:
    # mkstemp gives 0600; link refuses to replace, so that the first of two processes wins with a whole file
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
