from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from serving import System, Tenant, make_tenant, wait_for
from upstream import Upstream, endless_stream, hang, say


def _words(answer: Any) -> Iterator[str]:
    """The words of a streamed answer, one by one."""
    for line in answer.iter_lines():
        data = json.loads(line[6:]) if line.startswith(b"data: ") else {}
        if isinstance(data.get("text"), str):
            yield from data["text"].split()


_sessions = threading.local()


def _session() -> requests.Session:
    """Each thread keeps its connections and uses them for both tenants."""
    if not hasattr(_sessions, "mine"):
        _sessions.mine = requests.Session()
    return _sessions.mine


def _ask(system: System, number: int) -> set[str]:
    """Ask as one tenant or the other, plainly or streamed; every second asker leaves early."""
    tenant, name = ((system.acme, "acme"), (system.globex, "globex"))[number % 2]
    chance, found = random.Random(number), set()
    patience = 0.05 if number % 8 < 2 else 60
    stream = number % 8 >= 4
    try:
        answer = system.execute(tenant, f"{name}-{number}", _session(), stream=stream, timeout=patience)
        if not stream:
            return set(answer.json()["output"].split())
        leaves_after = chance.randrange(1, 19) if number % 8 < 6 else 99
        for count, word in enumerate(_words(answer)):
            found.add(word)
            if count == leaves_after:
                break
        answer.close()
    except requests.RequestException:
        return set()
    return found


def test_r22_a_storm_of_cancels_never_gives_one_tenants_answer_to_another(
    system: System, upstream: Upstream
) -> None:
    """Readers of two tenants come, share connections and leave early: each meets its own words alone."""
    upstream.behave(say(lambda request: " ".join([request.prompt] * 20), delay=0.005))
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda number: _ask(system, number), range(192)))
    for number, words in enumerate(answers):
        assert words <= {f"{('acme', 'globex')[number % 2]}-{number}"}
    assert sum(bool(words) for words in answers) >= 128
    wait_for(lambda: all(log["status"] != "running" for log in system.acme.logs() + system.globex.logs()))
    for tenant, name in ((system.acme, "acme"), (system.globex, "globex")):
        logs = tenant.logs()
        assert len(logs) == 96
        assert {log["status"] for log in logs} == {"success", "cancelled"}
        for log in logs:
            (asked,) = log["request_data"]["input"]
            assert asked["content"].startswith(f"{name}-")
            assert set(log["response_data"]["output"].split()) <= {asked["content"]}


def test_f9_twenty_hanging_calls_leave_the_other_routes_alone(system: System, upstream: Upstream) -> None:
    """While upstream hangs for 20 callers lists are answered, and each caller gets its 504 at its timeout."""
    hasty = make_tenant(system.acme.admin, upstream.base_url, timeout_s=3)
    assert system.execute(hasty).status_code == 200  # a process's first call loads the models' libraries
    asked = len(upstream.requests)
    upstream.behave(hang())
    headers = {"X-API-Key": system.acme.key}
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(_timed, system, hasty) for _ in range(20)]
        wait_for(lambda: len(upstream.requests) == asked + 20)
        took = []
        for _ in range(20):
            started = time.monotonic()
            requests.get(f"{system.server.url}/api/ai_agents", headers=headers, timeout=10).raise_for_status()
            took.append(time.monotonic() - started)
        assert sorted(took)[10] < 0.5
        ends = [call.result() for call in calls]
    assert {status for status, _ in ends} == {504}
    assert all(2.5 < seconds < 10 for _, seconds in ends)  # the callers share two cores with much else
    logs = [log for log in hasty.logs() if log["status"] != "success"]
    assert [(log["status"], log["error"]) for log in logs] == [("timeout", "timeout")] * 20
    assert all(2_000 < log["duration_ms"] < 4_000 for log in logs)


def _timed(system: System, tenant: Tenant) -> tuple[int, float]:
    started = time.monotonic()
    return system.execute(tenant).status_code, time.monotonic() - started


def test_f14_readers_that_never_read_hold_little_memory(system: System, upstream: Upstream) -> None:
    """Behind ten readers that read nothing an endless answer stops in bounded buffers; when they go, it ends."""
    system.execute(system.acme)  # the first call loads the model library
    (worker,) = system.server.workers()
    before = worker.memory_info().rss
    upstream.behave(endless_stream())
    readers = [system.open_stream(system.acme) for _ in range(10)]
    time.sleep(3)
    assert worker.memory_info().rss - before < 100 * 2**20
    assert requests.get(f"{system.server.url}/pool", timeout=10).json() == 0
    for reader in readers:
        reader.close()
    wait_for(lambda: [log["status"] for log in system.acme.logs()].count("cancelled") == 10)
