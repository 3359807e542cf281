from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, Clients
from support.hosts import close, make_host

from flask_aiagents.testing import client_as

LOGS = "/api/ai_agent_activity_logs"


def host_of(folder: Path, **config: Any) -> Flask:
    return make_host(f"sqlite:///{folder}/metered.db", **config)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Flask]:
    """A host that takes ten rows of a tenant."""
    app = host_of(tmp_path, AIAGENTS_ACTIVITY_ROWS_LIMIT="10/day")
    yield app
    close(app)


@pytest.mark.requirement("R46")
@pytest.mark.requirement("R52")
def test_rows_of_a_tenant_are_limited(rows: Flask) -> None:
    """Rows count for all users of a tenant together, one by one or in bulk; other tenants' are admitted."""
    clients = Clients.of(rows)
    assert clients.alice.post(LOGS, json=[{"action": "import"}] * 6).status_code == 201
    assert clients.bob.post(LOGS, json=[{"action": "import"}] * 4).status_code == 201
    for body in ({"action": "import"}, [{"action": "import"}]):
        refused = clients.bob.post(LOGS, json=body)
        assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
        assert "10 activity logs of your tenant per day" in refused.json["message"]
    assert len(clients.alice.get(LOGS).json) == 10
    assert clients.charlie.post(LOGS, json={"action": "import"}).status_code == 201


@pytest.mark.requirement("R52")
def test_bytes_of_a_tenant_are_limited(tmp_path: Path) -> None:
    """Few rows with large payloads are limited by the size of their requests."""
    app = host_of(tmp_path, AIAGENTS_ACTIVITY_BYTES_LIMIT="100000/day")
    clients = Clients.of(app)
    body = {"action": "import", "request_data": {"text": "x" * 40_000}}
    statuses = [clients.alice.post(LOGS, json=body).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
    assert clients.charlie.post(LOGS, json=body).status_code == 201
    close(app)


@pytest.mark.parametrize("key", ["ROWS", "BYTES"])
def test_a_wrong_limit_is_refused_at_start(tmp_path: Path, key: str) -> None:
    """A limit that cannot be read names its setting and its form."""
    with pytest.raises(Exception, match=f"AIAGENTS_ACTIVITY_{key}_LIMIT.*120/minute"):
        host_of(tmp_path, **{f"AIAGENTS_ACTIVITY_{key}_LIMIT": "many"})


def test_the_host_itself_posts_rows_without_a_request(rows: Flask) -> None:
    """Host code that records activity is metered by rows, too."""
    activity = rows.extensions["aiagents"].activity
    with rows.app_context():
        activity.record_many([{"action": "import"}] * 10, principal=ALICE)
    assert client_as(rows, ALICE).post(LOGS, json={"action": "import"}).status_code == 429
