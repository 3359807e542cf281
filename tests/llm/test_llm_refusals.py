"""Parameters that a model refuses are left out, and what one tenant sends changes no other tenant's requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from upstream import Upstream, say, status
from upstream.calls import call
from upstream.server import Exchange

from flask_aiagents.llm.engine import engine

UNSUPPORTED = "Unsupported parameter: 'stop' is not supported with this model."

WRONG_VALUES = {
    "stop": "Invalid 'stop': array too long. Expected an array with maximum length 4, but got one with 5 instead.",
    "max_completion_tokens": "Invalid 'max_completion_tokens': integer above maximum value. Use another instead.",
    "temperature": "Invalid 'temperature': decimal below minimum value. Expected a value >= 1, but got 0 instead.",
}
"""As OpenAI words them."""


def refusal(param: str, message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": param}})


def refuse_stop(exchange: Exchange) -> None:
    refuses = "stop" in exchange.request.json
    (status(400, body=refusal("stop", UNSUPPORTED)) if refuses else say("Hi"))(exchange)


def sent(upstream: Upstream, name: str) -> list[Any]:
    return [request.json.get(name) for request in upstream.requests]


def test_a_refused_parameter_is_left_out_from_then_on(upstream: Upstream) -> None:
    """The first call is asked again without it, the tenant's next one does not send it."""
    upstream.behave(refuse_stop)
    for _ in range(2):
        assert engine().run(call(upstream, stop=("END",), tenant="acme")).status == "success"
    assert sent(upstream, "stop") == [["END"], None, None]


def test_what_one_tenant_is_refused_another_may_still_send(upstream: Upstream) -> None:
    """A tenant's own limits of length and cost reach its model, whatever others have sent to the same one."""
    upstream.behave(refuse_stop)
    assert engine().run(call(upstream, stop=("END",), tenant="acme")).status == "success"
    upstream.behave(say("Hi"))
    assert engine().run(call(upstream, stop=("END",), tenant="globex")).status == "success"
    assert sent(upstream, "stop") == [["END"], None, ["END"]]


@pytest.mark.parametrize(("param", "message"), WRONG_VALUES.items())
def test_a_wrong_value_is_an_error_and_no_refusal(upstream: Upstream, param: str, message: str) -> None:
    """To ask without a limit that was set too high would cost what nobody allowed."""
    upstream.behave(status(400, body=refusal(param, message)))
    limits = {"stop": tuple("abcde"), "max_tokens": 100_000, "temperature": 0.0}
    outcome = engine().run(call(upstream, tenant="acme", **limits))
    assert (outcome.error, len(upstream.requests)) == ("upstream", 1)
