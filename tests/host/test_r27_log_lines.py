"""R27: CR and LF in what people write forge no line of our log."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from support.cast import OFFLINE, Clients
from support.hosts import close, make_host
from werkzeug.datastructures import Headers

from flask_aiagents import AIAgents, Principal, Role
from flask_aiagents.core.maintenance import Maintenance
from flask_aiagents.signals import agent_created
from flask_aiagents.testing import client_as

BREAKS = ("\n", "\r", "\r\n", "\u2028", "\x85", "\x0b")
RECORD = re.compile(r"(LOG (WARNING|ERROR) \S+: |    |$)")


def forged(line_break: str) -> str:
    return f"Nobody{line_break}LOG ERROR root: root logged in"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What handlers of the host write of its records and ours, as a file has it."""
    stream = io.StringIO(newline="")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("LOG %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("flask_aiagents")
    hosts = logging.getLogger("some_host")
    for one in (ours, hosts):
        one.addHandler(handler)
    yield stream
    for one in (ours, hosts):
        one.removeHandler(handler)


def check(log: io.StringIO, *words: str) -> None:
    """Every line is a record of ours or within its margin; what was to be told is told."""
    text = log.getvalue()
    lines = text.splitlines()
    assert lines
    assert [line for line in lines if not RECORD.match(line)] == []
    assert not [line for line in lines if line.startswith("LOG ERROR root")], text
    for word in words:
        assert word in text


@pytest.mark.parametrize("line_break", BREAKS)
def test_an_agents_name_in_a_receivers_error(
    host: Flask, clients: Clients, log: io.StringIO, line_break: str
) -> None:
    """The traceback quotes it, within its record."""

    def receiver(_: Any, event: Any) -> None:
        raise ValueError(f"What is {event.agent_name}?")

    agent_created.connect(receiver, host)
    clients.alice.post("/api/ai_agents", json={"name": forged(line_break), "model_config": OFFLINE})
    agent_created.disconnect(receiver, host)
    check(log, "A receiver of AgentCreated failed.", "ValueError: What is Nobody")


@pytest.mark.parametrize("line_break", BREAKS)
def test_what_a_request_says_in_an_unexpected_error(tmp_path: Path, log: io.StringIO, line_break: str) -> None:
    """User ids, URLs and agents of browsers that the host's own code quotes when it fails."""

    def identity() -> Principal:
        raise LookupError(f"{forged(line_break)} {request.args.get('q')} {request.headers.get('User-Agent')}")

    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(identity=identity))
    headers = Headers({"User-Agent": "x\tLOG ERROR root: y"})
    response = app.test_client().get("/api/ai_agents", query_string={"q": forged(line_break)}, headers=headers)
    assert response.status_code == 500
    assert "LookupError" not in response.text
    check(log, "Unexpected error", "LookupError: Nobody")
    close(app)


def test_a_users_id_in_the_panel(tmp_path: Path, log: io.StringIO) -> None:
    """A host that fails to name its users is told so, and the page shows their ids."""

    def labels(_: Any, ids: list[str]) -> dict[str, str]:
        raise RuntimeError(f"No names for {ids[0]}")

    user = Principal(forged("\n"), "acme", Role.TENANT_ADMIN)
    app = make_host(f"sqlite:///{tmp_path}/host.db", aiagents=AIAgents(labels=labels))
    client = client_as(app, user)
    page = client.get("/aiagents/agents/")
    assert page.status_code == 200
    assert "Nobody" in page.text
    check(log, "The host's labels failed", "RuntimeError: No names for Nobody")
    close(app)


def test_a_broken_task(log: io.StringIO, host: Flask) -> None:
    """Maintenance tells of it in one record."""
    maintenance: Maintenance = host.extensions["aiagents"].maintenance

    def task() -> int:
        raise RuntimeError(forged("\n"))

    maintenance._run("task\nLOG ERROR root: x", task)
    check(log, "The maintenance task", "RuntimeError: Nobody")


def test_a_handler_still_has_the_error(caplog: pytest.LogCaptureFixture, host: Flask) -> None:
    """What groups errors by their kind finds it with the record."""

    def task() -> int:
        raise RuntimeError("x")

    host.extensions["aiagents"].maintenance._run("a task", task)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is RuntimeError
