"""Names of tenants and users, which only the host knows; without its callbacks their ids are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from flask import request

from ...logs import logger

_log = logger(__name__)

Kind = Literal["tenant", "user"]

MAX_TENANTS = 100_000
"""Read at most this many tenants for the overview and the picker; further ones are picked by typing their id."""

MAX_LABELS = 1_000
"""Ask the host's ``labels`` for at most this many ids in one call."""

_KNOWN = "aiagents.names"


@dataclass(frozen=True, slots=True)
class HostNames:
    """What the host told :class:`~flask_aiagents.AIAgents`.

    :param list_tenants: returns ids and names of all tenants, in the order in which to show them.
    :param labels: returns names of these ids of a kind, ``tenant`` or ``user``; unknown ids may be missing.
    """

    list_tenants: Callable[[], Iterable[tuple[str, str]]] | None = None
    labels: Callable[[Kind, list[str]], Mapping[str, str]] | None = None

    def fetch(self, kind: Kind, ids: Iterable[str | None]) -> None:
        """Ask for many names at once, before a page shows them one by one."""
        known = self._known(kind)
        wanted = sorted({str(id_) for id_ in ids if id_} - known.keys())
        if self.labels is not None:
            try:
                for start in range(0, len(wanted), MAX_LABELS):
                    found = self.labels(kind, wanted[start : start + MAX_LABELS])
                    known.update({str(id_): str(name) for id_, name in found.items()})
            except Exception:  # every page asks for names, the page that shows errors too
                _log.exception("The host's labels failed; ids are shown.")
        known.update({id_: id_ for id_ in wanted if id_ not in known})

    def label(self, kind: Kind, id_: str | None) -> str:
        """The name of one; its id when the host knows no name."""
        if not id_:
            return ""
        if id_ not in self._known(kind):
            self.fetch(kind, [id_])
        return self._known(kind)[id_]

    def _known(self, kind: Kind) -> dict[str, str]:
        return request.environ.setdefault(_KNOWN, {}).setdefault(kind, {})
