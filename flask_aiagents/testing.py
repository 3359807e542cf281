"""Helpers for the tests of hosts: clients that act as somebody, scripted models, captured signals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from blinker import Signal
from flask import Flask
from flask.testing import FlaskClient

from .core.principal import Principal
from .features.access.service import ENVIRON_PRINCIPAL
from .llm.fakes import Answer, FakeAnswer, FakeCall, FakeModels, replace_models
from .signals import Event

__all__ = ["FakeAnswer", "FakeCall", "FakeModels", "captured_events", "client_as", "fake_models"]


@contextmanager
def fake_models(answers: Iterable[Answer] = ()) -> Iterator[FakeModels]:
    """Let a script answer in place of all models of the process; no provider is asked, and no key is needed::

        with fake_models([FakeAnswer(tool_calls={"order_status": {"order_id": 7}}), "It is shipped."]) as models:
            client.post(f"/api/ai_agents/{agent_id}/execute", json={"input": "Hi"})
            models.assert_called_once_with("Hi")

    :raises AssertionError: at the end of the block, when a model was asked more often than there are answers.
    """
    fake = FakeModels(answers)
    end = replace_models(fake)
    try:
        yield fake
    finally:
        end()
    if fake.stray:
        raise AssertionError(f"No answer was left for: {[call.prompt for call in fake.stray]}")


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
