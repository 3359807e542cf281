from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from support.cast import Clients, make_agent
from support.hosts import close, make_host
from upstream import Upstream

from flask_aiagents import AIAgents, Permission, Policy, Role

TEMPLATES = ["{{ 7 * 7 }}", "{% raw %}", "${7*7}", "#{7*7}", "{config.items}", "%(secret)s", "<%= 7*7 %>"]
"""Texts that mean something to some template engine."""


@pytest.mark.parametrize("text", TEMPLATES)
def test_r8_no_text_is_evaluated(clients: Clients, upstream: Upstream, text: str) -> None:
    """Prompts, inputs, names and outputs that look like templates or code stay the text that they are."""
    upstream.answer(text)
    model = {"provider": "openai_compatible", "model": text, "base_url": upstream.base_url, "system_prompt": text}
    agent = make_agent(clients.alice, text, description=text, model_config=model)
    answer = clients.alice.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": text}).json
    assert answer["output"] == text
    assert [turn["content"] for turn in upstream.requests[0].json["messages"]] == [text, text]
    assert clients.alice.get(f"/api/ai_agents/{agent['id']}").json["name"] == text


class Readers(Policy):
    """Users who look and do nothing else."""

    grants = {**Policy.grants, Role.USER: frozenset({Permission.READ_AGENTS, Permission.READ_ACTIVITY})}  # noqa: RUF012


def test_r17_a_right_to_read_never_executes(tmp_path: Path, upstream: Upstream) -> None:
    """Whoever may only read gets 403 from execute, and no GET of any kind calls a model."""
    app = make_host(f"sqlite:///{tmp_path}/readers.db", aiagents=AIAgents(policy=Readers()))
    clients = Clients.of(app)
    model = {"provider": "openai_compatible", "model": "m", "base_url": upstream.base_url}
    agent = make_agent(clients.alice, model_config=model)
    url = f"/api/ai_agents/{agent['id']}/execute"
    assert clients.bob.post(url, json={"input": "hi"}).status_code == 403
    assert clients.bob.get(url).status_code == 405
    assert clients.bob.get(f"/api/ai_agents/{agent['id']}").status_code == 200
    assert upstream.requests == []
    close(app)


def test_r39_sqlite_is_set_up_for_many_writers(tmp_path: Path) -> None:
    """db upgrade sets WAL for good, and each of our connections waits for a lock instead of failing at once."""
    app = make_host(f"sqlite:///{tmp_path}/wal.db")
    engine = app.extensions["aiagents"].database.engine
    with engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA busy_timeout")) >= 5000
    close(app)
