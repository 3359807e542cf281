"""Scripted models for the tests of hosts."""

from __future__ import annotations

import pytest
from flask import Flask
from support.cast import Clients, make_agent

from flask_aiagents.testing import FakeAnswer, FakeCall, fake_models

OPENAI = {"provider": "openai", "model": "gpt-4o-mini"}


def test_a_script_answers_without_key_and_network(host: Flask) -> None:
    """Text, errors that are tried again and streams come as scripted, and what was asked is on record."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice, model_config=OPENAI)
    url = f"/api/ai_agents/{agent['id']}/execute"
    with fake_models([FakeAnswer(error="rate_limited", retryable=True), "Hello"]) as models:
        assert clients.bob.post(url, json={"input": "Hi"}).json["output"] == "Hello"
        models.assert_called_times(2)
    with fake_models([FakeAnswer(text=["a", "b"], thinking="hm")]) as models:
        streamed = clients.bob.post(url, json={"input": "Hi"}, headers={"Accept": "text/event-stream"}).text
        models.assert_called_once_with("Hi")
        assert models.calls[0].model == "gpt-4o-mini"
    assert "event: thinking" in streamed
    assert '"output":"ab"' in streamed.replace('": ', '":')


def test_a_script_may_be_a_function_of_what_is_asked(host: Flask) -> None:
    """A function sees the request and gives any answer."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice, model_config=OPENAI)

    def echo(asked: FakeCall) -> str:
        return f"{asked.provider}: {asked.prompt}"

    with fake_models([echo]):
        answer = clients.bob.post(f"/api/ai_agents/{agent['id']}/execute", json={"input": "Hi"})
    assert answer.json["output"] == "openai: Hi"


def test_calls_without_an_answer_fail_the_test(host: Flask) -> None:
    """A stray call reaches no provider: it fails, and so does the block."""
    clients = Clients.of(host)
    agent = make_agent(clients.alice, model_config=OPENAI)
    url = f"/api/ai_agents/{agent['id']}/execute"

    def stray() -> None:
        with fake_models() as models:
            models.assert_no_calls()
            assert clients.bob.post(url, json={"input": "Hi"}).json["code"] == "stray_call"

    with pytest.raises(AssertionError, match="No answer was left"):
        stray()
