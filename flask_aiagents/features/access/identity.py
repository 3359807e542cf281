"""Who is acting, where the host uses Flask-Login."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_login import current_user


def flask_login_user() -> Any:
    """Flask-Login's user when one is logged in, else None."""
    if not hasattr(current_app, "login_manager") or not current_user.is_authenticated:
        return None
    return current_user
