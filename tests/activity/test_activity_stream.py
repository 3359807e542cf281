from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from support.cast import ALICE, BOB, CHARLIE, ROOT, Clients, make_agent
from support.hosts import close, make_host
from support.logs import activity_of, begin, execution, finish, log_id_at

from flask_aiagents import Principal
from flask_aiagents.core.clock import utcnow
from flask_aiagents.errors import BadRequest, RateLimited, Unavailable
from flask_aiagents.features.activity import stream as streams
from flask_aiagents.web.filtering import Filter, Query

FAILED = Query(terms=(Filter("status", "eq", "error"),))


class Reader:
    """Somebody who follows the log."""

    def __init__(
        self, app: Flask, principal: Principal, query: Query | None = None, token: str | None = None
    ) -> None:
        with app.app_context():
            self.stream = activity_of(app).stream(query, last_event_id=token, ping_s=0.5, principal=principal)
        self._items = iter(self.stream)
        self.token = next(self._items).token

    def close(self) -> None:
        self.stream.close()

    def next(self, pings: int = 40) -> tuple[str, Any] | None:
        """The next event; None when there was none for long, or the stream is over."""
        for item in self._items:
            self.token = item.token
            if item.event is not None:
                return item.event
            pings -= 1
            if not pings:
                break
        return None

    def logs(self, number: int) -> list[Any]:
        """So many logs."""
        events = [self.next() for _ in range(number)]
        assert [event and event[0] for event in events] == ["log"] * number
        return [event[1] for event in events if event]

    def ids(self, number: int) -> list[Any]:
        return [log["id"] for log in self.logs(number)]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look ten times as often."""
    monkeypatch.setattr(streams, "POLL_S", 0.1)


@contextmanager
def following(app: Flask, *principals: Principal) -> Iterator[list[Reader]]:
    readers = [Reader(app, principal) for principal in principals]
    yield readers
    for reader in readers:
        reader.close()


def post(client: Any, number: int = 1, **fields: Any) -> list[str]:
    """Logs of a client's own; their ids."""
    response = client.post("/api/ai_agent_activity_logs", json=[{"action": "import"} | fields] * number)
    assert response.status_code == 201, response.text
    return [log["id"] for log in response.json]


def test_a_log_is_told_when_it_begins_and_when_it_ends(any_host: Flask, any_clients: Clients) -> None:
    """As lists show it, without what was said."""
    agent = make_agent(any_clients.alice)
    with closing(Reader(any_host, ALICE)) as reader:
        log_id = begin(any_host, agent["id"])
        [began] = reader.logs(1)
        assert (began["id"], began["status"]) == (log_id, "running")
        finish(any_host, log_id)
        [ended] = reader.logs(1)
        assert (ended["id"], ended["status"], ended["tokens_used"]) == (log_id, "success", 7)
        assert not {"request_data", "response_data", "attempts"} & set(ended)
        assert reader.next(pings=1) is None


def test_a_log_that_commits_late_is_told(any_host: Flask, any_clients: Clients) -> None:
    """Its id is older than others that were told before."""
    agent = make_agent(any_clients.alice)
    with closing(Reader(any_host, ALICE)) as reader:
        first = execution(any_host, agent["id"])
        assert reader.ids(1) == [first]
        late = execution(any_host, agent["id"], at=utcnow() - timedelta(seconds=40))
        assert late < first
        assert reader.ids(1) == [late]


def test_what_runs_for_long_is_told_when_it_ends(any_host: Flask, any_clients: Clients) -> None:
    """Though it began long before anybody followed."""
    agent = make_agent(any_clients.alice)
    log_id = begin(any_host, agent["id"], at=utcnow() - timedelta(minutes=11))
    with closing(Reader(any_host, ALICE)) as reader:
        finish(any_host, log_id)
        assert [(log["id"], log["status"]) for log in reader.logs(1)] == [(log_id, "success")]


def test_each_sees_its_own(any_host: Flask, any_clients: Clients) -> None:
    """bob his own, alice her tenant's, charlie none of acme's, root all."""
    with following(any_host, ALICE, BOB, CHARLIE, ROOT) as (alice, bob, charlie, root):
        by = {name: post(getattr(any_clients, name))[0] for name in ("alice", "bob", "charlie")}
        told = {"alice": alice.ids(2), "bob": bob.ids(1), "charlie": charlie.ids(1), "root": root.ids(3)}
        assert {name: list(map(str, ids)) for name, ids in told.items()} == {
            "alice": [by["alice"], by["bob"]],
            "bob": [by["bob"]],
            "charlie": [by["charlie"]],
            "root": list(by.values()),
        }


def test_a_filter_is_asked_of_the_end_too(any_host: Flask, any_clients: Clients) -> None:
    """What runs and then fails fits ``status=eq.error`` as soon as it failed, and what succeeds never does."""
    agent = make_agent(any_clients.alice)
    with closing(Reader(any_host, ALICE, FAILED)) as reader:
        good, bad = begin(any_host, agent["id"]), begin(any_host, agent["id"])
        assert reader.next(pings=1) is None
        finish(any_host, good)
        finish(any_host, bad, status="error", error="timeout")
        assert [(log["id"], log["error"]) for log in reader.logs(1)] == [(bad, "timeout")]


def test_a_burst_comes_whole_and_once(any_host: Flask, any_clients: Clients) -> None:
    """In the order of time, in more pages than one."""
    with closing(Reader(any_host, BOB)) as reader:
        made = post(any_clients.bob, 1_000)
        assert list(map(str, reader.ids(1_000))) == made
        assert reader.next(pings=1) is None


def test_who_comes_again_misses_nothing(any_host: Flask, any_clients: Clients) -> None:
    """Neither what it was not told of a burst, nor what was made, committed late or ended while it was away."""
    agent = make_agent(any_clients.alice)
    running = begin(any_host, agent["id"], principal=ALICE, at=utcnow() - timedelta(minutes=5))
    with closing(Reader(any_host, ALICE)) as reader:
        assert reader.next(pings=1) is None
        made = post(any_clients.alice, 500)
        assert list(map(str, reader.ids(120))) == made[:120]
    finish(any_host, running, principal=ALICE)
    late = execution(any_host, agent["id"], principal=ALICE, at=utcnow() - timedelta(seconds=20))
    made += post(any_clients.alice, 5)
    with closing(Reader(any_host, ALICE, token=reader.token)) as again:
        missed = {str(running), str(late), *made[120:]}
        told: dict[str, str] = {}
        while not missed <= set(told):
            told |= {str(log["id"]): log["status"] for log in again.logs(1)}
        assert told[str(running)] == "success"


def test_a_token_that_is_none_is_told(host: Flask) -> None:
    """With a hint what would be one."""
    ahead = log_id_at(utcnow() + timedelta(hours=1))
    for token in ("", "abc", "0" * 500, "f" * 32, "7", "\x00", str(ahead), "123e4567-e89b-12d3-a456-426614174000"):
        with pytest.raises(BadRequest, match="Last-Event-ID"):
            Reader(host, ALICE, token=token)


def test_a_token_that_is_too_old_says_so(host: Flask, clients: Clients) -> None:
    """The client is to read the list again, and the stream goes on from there."""
    with host.app_context():
        old = str(log_id_at(utcnow() - timedelta(hours=2)))
        stream = activity_of(host).stream(last_event_id=old, principal=ALICE)
    with closing(stream):
        items = iter(stream)
        assert (event := next(items).event)
        assert event[0] == "reload"
        made = post(clients.alice)
        told = next(item.event for item in items if item.event)
        assert [str(told[1]["id"])] == made


def test_more_than_a_stream_can_tell_is_said(
    host: Flask, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of a part of it; when it calms down the stream goes on."""
    monkeypatch.setattr(streams, "MOST", 50)
    with closing(Reader(host, ALICE)) as reader:
        post(clients.alice, 60)
        assert reader.next() == ("reload", streams.RELOAD)
        monkeypatch.setattr(streams, "MOST", 100)
        while (event := reader.next(pings=1)) is not None:
            assert event[0] == "reload"
        made = post(clients.alice)
        assert list(map(str, reader.ids(1))) == made


def test_places_are_bounded_and_given_back(host: Flask) -> None:
    """Of a user's that do not end when they should, and of a process's; one that is closed or dropped is free."""
    opened = [Reader(host, ALICE) for _ in range(streams.MOST_EACH + streams.MOST_ENDING)]
    with pytest.raises(RateLimited) as refused:
        Reader(host, ALICE)
    assert refused.value.retry_after
    Reader(host, BOB).close()
    opened.pop().close()
    with pytest.raises(BadRequest):
        Reader(host, ALICE, token="abc")
    opened.append(Reader(host, ALICE))
    opened.clear()
    with host.app_context():
        activity_of(host).stream(principal=ALICE).close()


def test_a_process_has_so_many_places(tmp_path: Path) -> None:
    """Half of what may run: for one tenant, and for all; none is taken from another user."""
    app = make_host(f"sqlite:///{tmp_path}/few.db", AIAGENTS_MAX_RUNNING=6, AIAGENTS_MAX_RUNNING_PER_TENANT=4)
    with following(app, ALICE, BOB, CHARLIE) as (alice, *_):
        with pytest.raises(RateLimited):
            Reader(app, ALICE)
        with pytest.raises(Unavailable):
            Reader(app, ROOT)
        assert alice.next(pings=1) is None
    close(app)


def test_who_was_cut_off_is_not_in_its_own_way(host: Flask, clients: Clients) -> None:
    """The fifth stream of a user ends its oldest, which comes again only after a while; all others go on."""
    url = "/api/ai_agent_activity_logs/stream"
    oldest = clients.alice.get(url)
    with following(host, BOB, *[ALICE] * streams.MOST_EACH) as (bob, *others):
        told = oldest.get_data(as_text=True)
        assert told.startswith("retry: 2000\n")
        assert f"retry: {streams.AWAY_MS}\n" in told
        made = post(clients.bob)
        assert [list(map(str, reader.ids(1))) for reader in (bob, *others)] == [made] * (1 + len(others))


@pytest.mark.parametrize("part", ["limit=1", "limit=x", "offset=0"])
def test_a_stream_has_no_pages(clients: Clients, part: str) -> None:
    """What would be passed over is a 400 with a hint."""
    refused = clients.alice.get(f"/api/ai_agent_activity_logs/stream?{part}")
    assert (refused.status_code, bool(refused.json["hint"])) == (400, True)


def test_no_connection_is_held_between_two_polls(any_host: Flask) -> None:
    """Many streams fit a small pool."""
    with following(any_host, ALICE, BOB, CHARLIE):
        assert any_host.extensions["aiagents"].database.engine.pool.checkedout() == 0


def test_a_revoked_key_hears_no_more(host: Flask, clients: Clients) -> None:
    """Its stream ends at the next poll."""
    made = clients.alice.post("/api/ai_agent_api_keys", json={"name": "live"}).json
    with host.test_request_context(headers={"X-API-Key": made["token"]}):
        principal = host.extensions["aiagents"].access.current()
    with closing(Reader(host, principal)) as reader:
        clients.alice.delete(f"/api/ai_agent_api_keys/{made['id']}")
        post(clients.alice)
        assert reader.next(pings=1000) is None


def test_a_login_is_asked_for_again(host: Flask, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a new request asks the host whether it holds: the stream ends by itself, and the next one goes on."""
    monkeypatch.setattr("flask_aiagents.features.activity.service.LOGIN_LASTS_S", 0)
    with closing(Reader(host, ALICE)) as reader:
        assert reader.next(pings=1000) is None
    made = post(clients.alice)
    with closing(Reader(host, ALICE, token=reader.token)) as again:
        assert list(map(str, again.ids(1))) == made
