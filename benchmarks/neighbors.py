"""P12: what a tenant notices of another's attacks: its p95 under each of them against its p95 in peace.

The attacks are those of ``tests/attacks``. The attacker, with twelve connections, and the victim are processes of
their own.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from host import database
from rows import Row
from servers import HERE

sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent)]

from attacks.arena import Attack, Client, Siege, arena, work  # noqa: E402  # from the tests
from attacks.sets import ALL  # noqa: E402

_SPAWN = multiprocessing.get_context("spawn")

KINDS = ("SQLite", "PostgreSQL")

ROUNDS = 40
"""Requests of each kind that a p95 is of, a round of the benchmark."""

WARM_S = 3.0
"""Seconds after which an attack is in full swing."""


def measure(folder: Path, rounds: int, _: float) -> Iterator[Row]:
    """Every attack on each kind of database."""
    for kind in KINDS:
        place = folder / f"neighbors-{kind}"
        place.mkdir()
        with _SPAWN.Pool(1) as victim, database(place, kind) as uri, arena(place, uri) as battle:

            def times(number: int) -> Mapping[str, list[float]]:
                return victim.apply(_times, (battle.victim, number))  # used in this round alone

            times(5)  # warm
            for name, prepare in ALL.items():
                quiet = times(ROUNDS * rounds)
                with prepare(battle) as attacks, _attacked(battle.attacker, attacks):
                    yield _row(kind, name, quiet, times(ROUNDS * rounds))


@contextmanager
def _attacked(client: Client, attacks: Sequence[Attack]) -> Iterator[None]:
    stop = _SPAWN.Event()
    attacker = _SPAWN.Process(target=_attack, args=(client, attacks, stop), daemon=True)
    attacker.start()
    time.sleep(WARM_S)
    try:
        yield
    finally:
        stop.set()
        attacker.join(40)
        attacker.kill()


def _attack(client: Client, attacks: Sequence[Attack], stop: Any) -> None:
    with Siege(client, attacks):
        stop.wait()


def _times(client: Client, number: int) -> Mapping[str, list[float]]:
    """Milliseconds of each of the victim's requests, by name; infinite for one that failed."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(number):
        for name, answer, seconds in work(client):
            times[name].append(seconds * 1000 if answer.status == 200 else float("inf"))
    return dict(times)


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _row(kind: str, name: str, quiet: Mapping[str, list[float]], besieged: Mapping[str, list[float]]) -> Row:
    """The worst of the victim's requests: its p95 over what it may be, 3 x quiet or quiet + 50 ms."""
    p95s = {what: (_p95(times), _p95(besieged[what])) for what, times in quiet.items()}
    worst = max(now / max(3 * before, before + 50) for before, now in p95s.values())
    note = ", ".join(f"{what} {before:.0f} -> {now:.0f} ms" for what, (before, now) in p95s.items())
    return Row("P12", f"p95 under {name}, {kind}, over what it may be", worst, 1.0, 0.5, note=note)
