"""``make bench``: measure, print the table, keep the figures as JSON.

``python benchmarks/run.py [--quick] [P1 P5 ...]``
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import durable
import executions
import export
import ingestion
import lists
import neighbors
import outbox
import panel
import retention
import scale
import startup
from rows import Row
from servers import HERE

Measure = Callable[[Path, int, float], Iterator[Row]]

SUITES: dict[frozenset[str], Measure] = {
    frozenset({"P9"}): lambda _, rounds, __: startup.measure(rounds),
    frozenset({"P5"}): lambda folder, rounds, _: ingestion.measure(folder, rounds),
    frozenset({"P7", "P11"}): lambda folder, rounds, _: scale.measure(folder, rounds),
    frozenset({"outbox"}): lambda folder, rounds, _: outbox.measure(folder, rounds),
    frozenset({"retention"}): lambda folder, rounds, _: retention.measure(folder, rounds),
    frozenset({"export"}): lambda folder, rounds, _: export.measure(folder, rounds),
    frozenset({"P6"}): lambda folder, rounds, _: durable.measure(folder, rounds),
    frozenset({"P8"}): lambda folder, rounds, _: lists.measure_pages(folder, rounds),
    frozenset({"P12"}): neighbors.measure,
    frozenset({"panel"}): lambda folder, rounds, _: panel.measure(folder, rounds),
    frozenset({"P4"}): lists.measure_list,
    frozenset({"P1", "P2", "P3", "P10"}): executions.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="P1, P5, ...; all without any")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it runs")
    chosen = parser.parse_args()
    rounds, seconds = (1, 1.0) if chosen.quick else (5, 3.0)
    print("| | what | measured | goal, moonshot | verdict | figures |\n|---|---|---|---|---|---|")
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for numbers, measure in SUITES.items():
            if not chosen.rows or numbers & set(chosen.rows):
                for row in measure(Path(folder), rounds, seconds):
                    print(row.text(), flush=True)
                    measured.append(row)
    _keep(measured)


def _keep(rows: list[Row]) -> None:
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    text = json.dumps([asdict(row) | {"verdict": row.verdict} for row in rows], indent=2)
    (results / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json").write_text(text)


if __name__ == "__main__":
    main()
