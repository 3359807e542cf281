"""All attacks by resource: what the tests of this folder and row P12 of the benchmarks repeat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from attacks.arena import Arena, Attack, execution, post
from attacks.inputs.abandoned import ABANDONED
from attacks.inputs.answers import all_answers
from attacks.inputs.bodies import all_bodies
from attacks.inputs.filters import HOSTILE_TEXT, LOGS, PATTERNS, QUERIES
from attacks.inputs.many import MANY
from attacks.inputs.outputs import OUTPUTS
from attacks.inputs.posts import POSTS
from attacks.inputs.providers import PROVIDERS
from attacks.inputs.schemas import SCHEMA_ATTACKS
from attacks.inputs.streams import EXPORTS, STREAMS
from support.cast import ALICE, CHARLIE, OFFLINE
from support.slow_names import QUICK, SLOW
from upstream import Upstream, raw, say
from upstream.server import Exchange

from flask_aiagents.testing import client_as

Prepared = AbstractContextManager[Sequence[Attack]]

SSE = (("Accept", "text/event-stream"),)


@contextmanager
def filters(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Patterns over payloads that are slow to search, and reports of a lifetime."""
    row = {"action": "chat", "request_data": {"input": HOSTILE_TEXT}}
    assert client_as(arena.app, ALICE).post(f"/api{LOGS}", json=[row] * 16).status_code == 201
    yield [Attack(name=name, path=path) for name, path in (*PATTERNS, *QUERIES)]


@contextmanager
def providers(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Executions that wait for a provider."""
    with Upstream() as upstream:
        behaviours = {name: behaviour for name, behaviour, _ in PROVIDERS}
        upstream.behave(lambda exchange: behaviours[exchange.request.json["model"]](exchange))
        config = {"provider": "openai_compatible", "base_url": upstream.base_url, "timeout_s": 10}
        agents = {name: arena.make_agent(f"Slow: {name}", config | {"model": name}) for name in behaviours}
        yield [execution(name, agents[name], headers=SSE if stream else ()) for name, _, stream in PROVIDERS]


@contextmanager
def answers(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Executions whose answers are hard to read."""
    with Upstream() as upstream:
        kinds = {False: "application/json", True: "text/event-stream"}
        found = all_answers()
        streamed = {name: stream for name, _, stream in found}
        behaviours = {name: raw(body, content_type=kinds[stream]) for name, body, stream in found}
        upstream.behave(lambda exchange: behaviours[exchange.request.json["model"]](exchange))
        config = {"provider": "openai_compatible", "base_url": upstream.base_url, "timeout_s": 20}
        agents = {name: arena.make_agent(f"Answer: {name}", config | {"model": name}) for name in behaviours}
        yield [execution(name, agents[name], headers=SSE if streamed[name] else ()) for name in agents]


@contextmanager
def names(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Executions at hosts whose names are slow to resolve, while the victim's own host is looked up each time."""
    victim = client_as(arena.app, CHARLIE)
    place = f"/api/ai_agents/{arena.victim.agent_id}"
    config = {"provider": "openai_compatible", "model": "m"}
    urls = [f"https://host{number}{SLOW}/v1" for number in range(40)]
    agents = {url: arena.make_agent(f"Name: {url}", config | {"base_url": url, "timeout_s": 10}) for url in urls}
    with Upstream() as upstream:
        upstream.behave(_answer_and_close)
        moved = {"model_config": config | {"base_url": f"http://{QUICK}:{upstream.port}/v1"}}
        assert victim.patch(place, json=moved).status_code == 200
        try:
            yield [execution(url, agent_id) for url, agent_id in agents.items()]
        finally:
            victim.patch(place, json={"model_config": OFFLINE})


def _answer_and_close(exchange: Exchange) -> None:
    """Answer, and leave no connection that could be used without its name being looked up."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    exchange.whole(json.dumps(answer).encode(), content_type="application/json", connection="close")
    exchange.keep_alive = False


@contextmanager
def abandoned(_: Arena) -> Iterator[Sequence[Attack]]:
    """Requests that hang up before or in the middle of their answer."""
    yield [
        Attack(
            name=f"{name}, {how}",
            method=method,
            path=path,
            body=json.dumps(value).encode() if value else None,
            leave_s=leave_s,
            reads=reads,
        )
        for name, method, path, value in ABANDONED
        for how, leave_s, reads in (("at once", 0.02, True), ("with its head", 20.0, False))
    ]


@contextmanager
def outputs(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Outputs of the offline model that are as large as can be."""
    admin = client_as(arena.app, ALICE)
    attacks = []
    for name, schema in OUTPUTS:
        config = OFFLINE | {"output_schema": schema}
        answer = admin.post("/api/ai_agents", json={"name": f"Output: {name}", "model_config": config})
        body = {"name": "Refused", "model_config": config}
        refused = answer.status_code != 201
        attacks.append(post(name, "/ai_agents", body) if refused else execution(name, (answer.json or {})["id"]))
    yield attacks


@contextmanager
def schemas(arena: Arena) -> Iterator[Sequence[Attack]]:
    """Output schemas that are slow to check, with the answers that make them so."""
    admin = client_as(arena.app, ALICE)
    with Upstream() as upstream:
        answers = {attack.name: attack.answer for attack in SCHEMA_ATTACKS}
        upstream.behave(say(lambda request: answers[request.json["model"]]))
        attacks = []
        for attack in SCHEMA_ATTACKS:
            config = {"provider": "openai_compatible", "base_url": upstream.base_url, "model": attack.name}
            text = json.dumps({"name": f"Schema: {attack.name}", "model_config": config | {"output_schema": 0}})
            body = text.replace('"output_schema": 0', f'"output_schema": {attack.schema}').encode()
            answer = admin.post("/api/ai_agents", data=body, content_type="application/json")
            attacks.append(post(f"{attack.name}, saved", "/ai_agents", body))
            if answer.status_code == 201:
                attacks.append(execution(f"{attack.name}, run", (answer.json or {})["id"]))
        yield attacks


@contextmanager
def posts(_: Arena) -> Iterator[Sequence[Attack]]:
    """Activity of a client's own."""
    minimal = (("Prefer", "return=minimal"),)
    yield [
        *(post(name, LOGS, value, headers=minimal) for name, value in POSTS),
        *(post(f"{name}, answered", LOGS, value) for name, value in POSTS[:3]),
    ]


@contextmanager
def streams(_: Arena) -> Iterator[Sequence[Attack]]:
    """Log streams and exports, held open by users that do not exist."""
    yield [
        *(Attack(name=f"stream: {name}", path=path, leave_s=6) for name, path in STREAMS),
        *(Attack(name=f"export: {name}", path=path) for name, path in EXPORTS),
        *(Attack(name=f"export, unread: {name}", path=path, reads=False) for name, path in EXPORTS[:2]),
    ]


@contextmanager
def bodies(_: Arena) -> Iterator[Sequence[Attack]]:
    """Large and deep bodies."""
    yield [post(name, path, body) for name, path, body in all_bodies()]


@contextmanager
def many(_: Arena) -> Iterator[Sequence[Attack]]:
    """Keys and agents without end."""
    yield [post(name, path, value) for name, path, value in MANY]


ALL: dict[str, Callable[[Arena], Prepared]] = {
    "filters": filters,
    "providers": providers,
    "answers": answers,
    "names": names,
    "abandoned": abandoned,
    "outputs": outputs,
    "schemas": schemas,
    "posts": posts,
    "streams": streams,
    "bodies": bodies,
    "many": many,
}
"""By name; each prepares what its attacks need."""
