"""Parameters that a model refuses: read from its refusal, remembered once a request without them works."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

from ..messages import Target

MAX_REFUSAL_BYTES = 16_384
"""Bytes of a refusal that are looked at."""

MAX_MODELS = 1_024
"""Models, of all tenants together, of which refusals are remembered; the least recently used goes first."""

MAX_DOWNGRADES = 4
"""Parameters that one request may lose one after the other."""

_Key: TypeAlias = tuple[str | None, str, str | None, str]

OPTIONAL = frozenset(
    {
        *("temperature", "top_p", "stop", "stop_sequences", "max_tokens", "max_completion_tokens"),
        *("seed", "random_seed", "presence_penalty", "frequency_penalty", "reasoning_effort"),
        *("parallel_tool_calls", "stream_options", "response_format", "output_config"),
        *("max_output_tokens", "reasoning", "include", "text"),
    }
)
"""Fields of requests that an agent can do without, or that have another form."""

_REFUSING = re.compile(
    "unsupported|not support|unrecogni[sz]ed|unknown|unexpected|extra|not permitted|not allowed|forbidden|"
    "deprecated|cannot|instead|incompatible|additional propert",
    re.IGNORECASE,
)
"""Words that tell a parameter which is refused from one whose value is wrong."""

_WRONG_VALUE = re.compile(
    "too (?:long|large|many|short|small|few)|but got|above[ _]max|below[ _]min", re.IGNORECASE
)
"""Words of a value that is wrong, whatever else is said: the parameter is not refused."""


def refused_parameter(refusal: bytes, sent: Iterable[str]) -> str | None:
    """Return the parameter that the body of a 400 or 422 refuses, of the optional ones that were sent.

    Names that are everyday words must stand between quotes or in ``error.param``.
    """
    text = refusal[:MAX_REFUSAL_BYTES].decode("utf-8", "replace")
    if not _REFUSING.search(text) or _WRONG_VALUE.search(text):
        return None
    names = sorted(OPTIONAL.intersection(sent), key=len, reverse=True)  # max_completion_tokens before max_tokens
    param = _param(text)
    if param in names:
        return param
    return next((name for name in names if _names(text, name)), None)


def _names(text: str, name: str) -> bool:
    quotes = "[\"'`]" if "_" not in name and name != "temperature" else "(?<![A-Za-z0-9_])"
    end = quotes if quotes[0] == "[" else "(?![A-Za-z0-9_])"
    return re.search(quotes + re.escape(name) + end, text) is not None


def _param(text: str) -> str | None:
    try:
        error = json.loads(text)["error"]
        return error["param"] if isinstance(error["param"], str) else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


class KnownRefusals:
    """Remembers what models refuse, for each tenant apart: what one sends must not change another's requests.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, frozenset[str]] = OrderedDict()

    def of(self, tenant: str | None, target: Target) -> frozenset[str]:
        """Return what a model is known to refuse."""
        return self._known.get(_key(tenant, target), frozenset())

    def remember(self, tenant: str | None, target: Target, refused: frozenset[str]) -> None:
        """Note it, after a request without these parameters worked."""
        key = _key(tenant, target)
        with self._lock:
            self._known[key] = refused
            self._known.move_to_end(key)
            if len(self._known) > MAX_MODELS:
                self._known.popitem(last=False)


def _key(tenant: str | None, target: Target) -> _Key:
    return tenant, target.provider, target.base_url, target.model
