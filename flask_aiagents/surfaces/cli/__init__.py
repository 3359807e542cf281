"""``flask aiagents ...``: set up, look after and mend the system from a terminal."""

from __future__ import annotations

from .credentials import credentials
from .db import db
from .doctor import doctor
from .forget import forget
from .group import Group
from .keys import keys
from .logs import logs
from .maintain import maintain
from .retention import retention
from .rollup import rollup

commands = Group("aiagents", help="Tables, keys and care of the AI agents.")
"""What ``init_app`` adds to the app's ``flask`` command."""

for _command in (db, keys, credentials, logs, maintain, retention, rollup, forget, doctor):
    commands.add_command(_command)
