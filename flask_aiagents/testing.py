"""What a host needs to test with us. The offline model needs no helper: configure the provider ``offline``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from blinker import Signal
from flask import Flask
from flask.testing import FlaskClient

from .core.principal import Principal
from .features.access.service import ENVIRON_PRINCIPAL
from .signals import Event


def client_as(app: Flask, principal: Principal | None) -> FlaskClient:
    """A test client whose requests act as this principal, whatever the host's login says; None is nobody."""
    client = app.test_client()
    environ: dict[str, Any] = client.environ_base
    environ[ENVIRON_PRINCIPAL] = principal
    # What a browser says of a request from the host's own pages.
    environ["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


@contextmanager
def captured_events(app: Flask, signal: Signal) -> Iterator[list[Event]]:
    """Collect the payloads that a signal carries inside the block::

    with captured_events(app, agent_executed) as events:
        ...
    assert events[0].status == "success"
    """
    events: list[Event] = []

    def receive(_: Flask, *, event: Event, **__: Any) -> None:
        events.append(event)

    with signal.connected_to(receive, sender=app):
        yield events
