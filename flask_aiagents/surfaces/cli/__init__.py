"""``flask aiagents ...``: set up, look after and mend the system from a terminal."""

from __future__ import annotations

from .group import Commands

commands = Commands("aiagents", help="Tables, keys and care of the AI agents.")
"""What ``init_app`` adds to the app's ``flask`` command."""
