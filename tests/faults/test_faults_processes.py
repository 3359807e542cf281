from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import requests
from serving import System, wait_for
from upstream import Upstream, hang, say

from flask_aiagents.features.execution.stream import PROGRESS_EVERY_S


def test_f1_kill_9_with_50_calls_in_flight_loses_nothing(system: System, upstream: Upstream) -> None:
    """Each accepted execution ends in one terminal log, and upstream heard no more than the declared tries."""
    upstream.behave(hang())

    def call(_: int) -> None:
        try:
            system.execute(system.acme)
        except requests.ConnectionError:
            return

    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(call, number) for number in range(50)]
        wait_for(lambda: len(upstream.requests) == 50)
        (worker,) = system.server.workers()
        worker.kill()
        for done in calls:
            done.result(30)
    assert {log["status"] for log in system.acme.logs()} == {"running"}
    assert system.end_expired() == 50
    logs = system.acme.logs()
    assert len(logs) == 50
    assert {(log["status"], log["error"]) for log in logs} == {("interrupted", "interrupted")}
    assert len(upstream.requests) <= 50 * 2
    assert system.end_expired() == 0


def test_f2_kill_9_in_the_middle_of_a_stream_prices_what_was_written(system: System, upstream: Upstream) -> None:
    """The stream's log ends as interrupted, with the tokens that it had noted and their price."""
    upstream.behave(say("word " * 1000, delay=0.02))
    answer = system.execute(system.acme, "Tell me a long story", stream=True)
    frames = answer.iter_lines()
    until = time.monotonic() + PROGRESS_EVERY_S + 1
    while time.monotonic() < until:
        next(frames)
    (worker,) = system.server.workers()
    worker.kill()
    answer.close()
    assert system.end_expired() == 1
    (log,) = system.acme.logs()
    assert (log["status"], log["unpriced"]) == ("interrupted", False)
    assert log["output_tokens"] > 20
    assert Decimal(log["cost_usd"]) > 0
    assert log["response_data"]["partial"] is True


def test_f14_200_slow_readers_hold_no_database_connection(system: System, upstream: Upstream) -> None:
    """While 200 readers dawdle over their streams, other requests are answered and no connection is held."""
    upstream.behave(say("word " * 400, delay=0.2))
    readers = [system.open_stream(system.acme) for _ in range(200)]
    wait_for(lambda: len(upstream.requests) == 200, 60)
    wait_for(lambda: requests.get(f"{system.server.url}/pool", timeout=10).json() == 0)
    with requests.Session() as session:
        answer = session.get(
            f"{system.server.url}/api/ai_agents", headers={"X-API-Key": system.acme.key}, timeout=10
        )
    assert answer.status_code == 200
    for reader in readers:
        reader.close()
    wait_for(lambda: all(log["status"] == "cancelled" for log in system.acme.logs()), 40)
    assert len(system.acme.logs()) == 200
