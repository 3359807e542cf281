"""Running the host's Alembic."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Alembic = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs ``alembic ...``; what the fixture ``alembic`` is."""
