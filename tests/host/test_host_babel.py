"""Hosts with Flask-Babel, each in a process of its own: Flask-Admin decides when it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOST = """
import flask_babel
from flask import Flask
from support.cast import Clients
from support.crawl import endpoints
from support.hosts import make_host
from support.live import add_login
from support.populated import populate

app = make_host("sqlite:///babel.db", migrated=False)
{babel}
with app.app_context():
    from flask_aiagents.core.migrate import upgrade
    upgrade(app.extensions["aiagents"].database)
populate(app)
clients = Clients.of(app)
for endpoint, rule in endpoints(app, "GET").items():
    answer = clients.root.get(rule)
    assert answer.status_code < 500, (endpoint, answer.text)
agent = clients.alice.get("/api/ai_agents?limit=1").json[0]["id"]
for page in ("edit", "details"):
    assert clients.alice.get(f"/aiagents/agents/{{page}}/?id={{agent}}").status_code == 200
for path in ("keys/new/", "agents/new/", "agents/edit/?id=" + agent, "agents/delete/"):
    assert clients.alice.post("/aiagents/" + path, data={{"name": ""}}).status_code == 403  # no token
german = clients.alice.get("/aiagents/agents/", headers={{"Accept-Language": "de"}}).text
assert "{word}" in german, german
print("well")
"""

BABEL = {
    "installed only": ("", "Agenten"),
    "initialized": ("from flask_babel import Babel; Babel(app, locale_selector=lambda: 'de')", "Agenten"),
    "in a language of its own": (
        "from flask_babel import Babel; Babel(app, locale_selector=lambda: 'fr')",
        "Agents",
    ),
    "without a selector": ("from flask_babel import Babel; Babel(app)", "Agents"),
}


@pytest.mark.requirement("R53")
@pytest.mark.parametrize(
    "kind", ["installed only", *(pytest.param(kind, marks=pytest.mark.slow) for kind in list(BABEL)[1:])]
)
def test_the_panel_works_beside_flask_babel(kind: str, tmp_path: Path) -> None:
    """No page of the panel fails, whether the host initialized it or not; the language is the host's choice."""
    babel, word = BABEL[kind]
    program = HOST.format(babel=babel, word=word)
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tests}:{tests.parent}"},
        check=False,
    )
    assert done.stdout.endswith("well\n"), done.stderr[-3000:]
