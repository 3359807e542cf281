"""What tests share. Importing it hides Flask-Babel: most hosts have none, and Flask-Admin uses it where it can.

A program that wants it imports ``flask_babel`` first, in a process of its own.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("flask_babel", None)  # pyright: ignore[reportArgumentType]
