"""P9: what importing and mounting costs over Flask and Flask-SQLAlchemy alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from rows import Row

ALONE = """
import time; started = time.perf_counter()
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask("app"); app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"; db = SQLAlchemy(app)
"""

WITH_US = ALONE + "from flask_aiagents import AIAgents; AIAgents(app, db)\n"

TOLD = "print((time.perf_counter() - started) * 1000)"


def measure(rounds: int) -> Iterator[Row]:
    """Fresh interpreters, taking turns; all bytecode is there, as after an installation by pip."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", WITH_US], env=environment, check=True)
    times: dict[str, list[float]] = {ALONE: [], WITH_US: []}
    for _ in range(rounds * 2):
        for program, taken in times.items():
            done = subprocess.run(
                [sys.executable, "-c", program + TOLD], env=environment, capture_output=True, text=True, check=True
            )
            taken.append(float(done.stdout))
    alone, with_us = (statistics.median(times[program]) for program in (ALONE, WITH_US))
    note = f"{with_us:.0f}, {alone:.0f} ms (with, without)"
    yield Row("P9", "import and init_app, ms more", with_us - alone, 300, 150, note=note)
