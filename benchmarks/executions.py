"""P1, P2, P3, P10: running an agent, against LiteLLM's proxy and the floor."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from floor import floor
from host import ours
from load import first_token_ms, wrk
from rows import Row
from servers import Server, litellm, upstream

KINDS = ("SQLite", "PostgreSQL")

DELAY_MS = 50
"""How long the upstream of P3 takes to begin."""

Figures = dict[tuple[str, str], list[float]]


def measure(folder: Path, rounds: int, seconds: float) -> Iterator[Row]:
    """All of them, the servers taking turns in every round."""
    with ExitStack() as stack:
        base_url = stack.enter_context(upstream(folder))
        servers = [stack.enter_context(ours(folder, kind, base_url)) for kind in KINDS]
        servers.append(stack.enter_context(floor(folder, base_url)))
        peer = stack.enter_context(litellm(folder, base_url))
        everyone = [*servers, *([peer] if peer else [])]
        figures = _plain(everyone, folder, rounds, seconds)
        for server in everyone:
            figures[server.name, "memory"].append(server.memory_mb())
    yield from _rows(figures)
    yield from _streams(folder, rounds)


def _plain(servers: list[Server], folder: Path, rounds: int, seconds: float) -> Figures:
    figures: Figures = defaultdict(list)
    for server in servers:
        wrk(server, folder, 8, 2)  # warm
    for _ in range(rounds):
        for server in servers:
            for connections in (1, 8):
                load = wrk(server, folder, connections, seconds)
                figures[server.name, f"p50 at {connections}"].append(load.p50_ms)
                figures[server.name, "cpu"].append(load.cpu_ms)
    return figures


def _rows(figures: Figures) -> Iterator[Row]:
    for kind in KINDS:
        note = _note(figures, kind, "cpu", "ms CPU")
        yield Row("P1", f"CPU of one execution, {kind}", _ratio(figures, kind, "cpu"), 0.40, 0.20, note=note)
    for connections, goal, moonshot in ((1, 0.40, 0.20), (8, 0.50, 0.25)):
        for kind in KINDS:
            figure = f"p50 at {connections}"
            note = _note(figures, kind, figure, "ms")
            yield Row(
                "P2", f"p50 at {connections}, {kind}", _ratio(figures, kind, figure), goal, moonshot, note=note
            )
    note = _note(figures, "SQLite", "memory", "MB")
    yield Row("P10", "memory of a serving process", _ratio(figures, "SQLite", "memory"), 0.5, 0.35, note=note)


def _ratio(figures: Figures, kind: str, figure: str, base: float = 0.0) -> float | None:
    theirs = figures.get(("LiteLLM", figure))
    if not theirs:
        return None
    return (statistics.median(figures[f"ours, {kind}", figure]) - base) / (statistics.median(theirs) - base)


def _note(figures: Figures, kind: str, figure: str, unit: str) -> str:
    names = [f"ours, {kind}", "floor, SQLite", "LiteLLM"]
    medians = [statistics.median(figures[name, figure]) for name in names if figures.get((name, figure))]
    return f"{', '.join(f'{median:.2f}' for median in medians)} {unit} (ours, floor, LiteLLM)"


def _streams(folder: Path, rounds: int) -> Iterator[Row]:
    figures: Figures = defaultdict(list)
    with ExitStack() as stack:
        base_url = stack.enter_context(upstream(folder, DELAY_MS))
        servers = [stack.enter_context(ours(folder, kind, base_url)) for kind in KINDS]
        peer = stack.enter_context(litellm(folder, base_url))
        for server in [*servers, *([peer] if peer else [])]:
            first_token_ms(server, 8)  # warm
        for _ in range(rounds):
            for server in [*servers, *([peer] if peer else [])]:
                figures[server.name, "first token"].append(first_token_ms(server, 8))
    for kind in KINDS:
        added = _ratio(figures, kind, "first token", DELAY_MS)
        note = _note(figures, kind, "first token", "ms")
        yield Row("P3", f"added first-token time at 8, {kind}", added, 0.15, 0.08, note=note)
