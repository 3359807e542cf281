from __future__ import annotations

import itertools
import json
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from support.cast import ALICE, Clients, make_agent
from support.logs import activity_of

from flask_aiagents.errors import Invalid
from flask_aiagents.features.activity.glance import at_a_glance
from flask_aiagents.features.activity.posted import MAX_ITEMS
from flask_aiagents.features.activity.schemas import ActivityLogSchema
from flask_aiagents.web.schema import MOST_ADVISED, load

URL = "/api/ai_agent_activity_logs"

FULL = {
    "action": "execute",
    "status": "error",
    "request_data": {"q": "héllo 😀"},
    "response_data": ["a", 1, None, 2.5],
    "duration_ms": 12,
    "tokens_used": 9,
    "input_tokens": 4,
    "output_tokens": 5,
    "cached_tokens": 0,
    "provider": "openai",
    "model": "gpt-4o-mini",
    "cost_usd": "0.000000000001",
    "finish_reason": "stop",
    "error": "timeout",
}


def test_one_log_comes_back_as_it_is_read(any_clients: Clients) -> None:
    """POST of an object answers 201 with Location and the log that GET gives, marked as the client's own."""
    agent = make_agent(any_clients.alice, "Clicky")
    response = any_clients.alice.post(URL, json=FULL | {"agent_id": agent["id"]})
    assert response.status_code == 201, response.text
    assert any_clients.alice.get(response.headers["Location"]).json == response.json
    log = response.json
    assert {name: log[name] for name in FULL} == FULL
    assert (log["agent_id"], log["agent_name"]) == (agent["id"], "Clicky")
    assert (log["user_id"], log["tenant_id"], log["source"]) == ("alice", "acme", "client")
    assert log["created_at"].endswith("Z")


def test_an_array_is_kept_whole(any_clients: Clients) -> None:
    """POST of an array answers with an array of logs in its order; Prefer: return=minimal with nothing."""
    agent = make_agent(any_clients.alice)
    items = [FULL | {"agent_id": agent["id"], "duration_ms": n} for n in range(20)]
    made = any_clients.alice.post(URL, json=items)
    assert made.status_code == 201
    assert [log["duration_ms"] for log in made.json] == list(range(20))
    listed = any_clients.alice.get(f"{URL}?order=created_at.asc&source=eq.client").json
    assert sorted(listed, key=lambda log: log["id"]) == made.json
    quiet = any_clients.alice.post(URL, json=items, headers={"Prefer": "return=minimal"})
    assert (quiet.status_code, quiet.data) == (201, b"")
    assert (
        any_clients.alice.get(f"{URL}?source=eq.client", headers={"Prefer": "count=exact"}).headers[
            "Content-Range"
        ]
        == "0-39/40"
    )


def test_one_wrong_item_keeps_all_out_and_is_named(clients: Clients) -> None:
    """The answer says which items are wrong and why, by field, and none of the array is kept."""
    wrong = clients.alice.post(URL, json=[FULL, {"action": "Click"}, {}, {"action": "a", "durationms": 1}])
    assert wrong.status_code == 422
    assert set(wrong.json["details"]) == {"1", "2", "3"}
    assert "action" in wrong.json["details"]["1"]
    assert "duration_ms" in str(wrong.json["details"]["3"]["durationms"])
    assert clients.alice.get(URL).json == []
    single = clients.alice.post(URL, json={"action": "click", "duration_ms": -1})
    assert (single.status_code, set(single.json["details"])) == (422, {"duration_ms"})


def test_of_many_wrong_items_the_first_hundred_are_told(clients: Clients) -> None:
    """The message counts them all; details have the first ones, and of each the first fields."""
    many = {f"key{number}": 1 for number in range(500)}
    wrong = clients.alice.post(URL, json=[FULL] + [many] * 150)
    assert wrong.status_code == 422
    assert "150 of 151" in wrong.json["message"]
    assert list(wrong.json["details"]) == [str(number) for number in range(1, 101)]
    assert "action" in wrong.json["details"]["1"]
    assert len(wrong.json["details"]["1"]) == 20


LENIENT = {"Prefer": "handling=lenient"}


def test_a_lenient_client_has_the_good_ones_kept(any_clients: Clients) -> None:
    """201 with the logs that were kept, the numbers of the others and what is wrong with them."""
    foreign = make_agent(any_clients.charlie)["id"]
    items = [FULL, {"action": "Click"}, FULL | {"duration_ms": 7}, {"action": "a", "agent_id": foreign}, None]
    made = any_clients.alice.post(URL, json=items, headers=LENIENT)
    assert (made.status_code, made.headers["Preference-Applied"]) == (201, "handling=lenient")
    assert [log["duration_ms"] for log in made.json["items"]] == [12, 7]
    assert made.json["refused"] == [1, 3, 4]
    assert list(made.json["errors"]) == ["1", "3", "4"]
    assert "action" in made.json["errors"]["1"]
    assert "agent_id" in made.json["errors"]["3"]
    assert sorted(any_clients.alice.get(URL).json, key=lambda log: log["id"]) == made.json["items"]


def test_a_lenient_client_that_wants_no_items_is_told_of_the_refused_ones(clients: Clients) -> None:
    """With return=minimal too, what was refused is told, and nothing else."""
    prefer = {"Prefer": "return=minimal, handling=lenient"}
    made = clients.alice.post(URL, json=[FULL, {}, FULL], headers=prefer)
    assert (made.status_code, set(made.json)) == (201, {"refused", "errors"})
    assert made.json["refused"] == [1]
    assert made.headers["Preference-Applied"] == "handling=lenient, return=minimal"
    assert clients.alice.post(URL, json=[FULL], headers=prefer).json == {"refused": [], "errors": {}}
    assert len(clients.alice.get(URL).json) == 3


def test_nothing_good_is_refused_of_a_lenient_client_too(clients: Clients) -> None:
    """When no item can be kept the answer is the 422 that it would be without leniency."""
    items = [{}, {"action": "a", "agent_id": str(uuid4())}]
    strict, lenient = clients.alice.post(URL, json=items), clients.alice.post(URL, json=items, headers=LENIENT)
    assert (lenient.status_code, lenient.json) == (422, strict.json)
    assert set(lenient.json["details"]) == {"0", "1"}
    assert clients.alice.get(URL).json == []


def test_all_numbers_of_refused_items_are_named(clients: Clients) -> None:
    """However many are wrong, a client knows which; why is told of the first hundred."""
    items = [FULL if number % 3 == 0 else {"action": number} for number in range(600)]
    made = clients.alice.post(URL, json=items, headers=LENIENT).json
    assert made["refused"] == [number for number in range(600) if number % 3]
    assert (len(made["items"]), len(made["errors"])) == (200, 100)


def test_host_code_is_lenient_on_request(host: Flask) -> None:
    """The service keeps the good ones and names the others by number and field."""
    with host.app_context():
        recorded = activity_of(host).record_many([FULL, {"action": "A"}], lenient=True, principal=ALICE)
        assert [log["status"] for log in recorded.items] == ["error"]
        assert list(recorded.refused) == [1]
        with pytest.raises(Invalid, match="1 of 2"):
            activity_of(host).record_many([FULL, {"action": "A"}], principal=ALICE)


@pytest.mark.parametrize(
    "body", [[], "text", 5, [[]], [None], {"action": None}, {"action": "a", "status": "running"}]
)
def test_what_is_no_log_is_refused(clients: Clients, body: Any) -> None:
    """An empty array, other JSON than objects and a log that still runs are 422s."""
    response = clients.alice.post(URL, json=body)
    assert response.status_code == 422, response.text
    assert response.json["hint"]


def test_as_many_as_10000_are_kept_in_one_request(any_clients: Clients) -> None:
    """10,000 logs are one request; 10,001 are refused; a body over the limit is a 413."""
    item = {"action": "click", "tokens_used": 1, "cost_usd": "0.000001"}
    made = any_clients.alice.post(URL, json=[item] * MAX_ITEMS, headers={"Prefer": "return=minimal"})
    assert made.status_code == 201
    more = any_clients.alice.post(URL, json=[item] * (MAX_ITEMS + 1))
    assert (more.status_code, "10000" in more.json["message"]) == (422, True)
    huge = any_clients.alice.post(URL, json=[item | {"request_data": "x" * 9_000_000}])
    assert huge.status_code == 413
    counted = any_clients.alice.get(f"{URL}?limit=1", headers={"Prefer": "count=exact"})
    assert counted.headers["Content-Range"] == "0-0/10000"


@pytest.mark.parametrize(
    "field",
    "id tenant_id user_id created_at agent_name source unpriced attempts lease_until".split(),  # noqa: SIM905
)
def test_r15_r36_what_the_system_sets_is_refused(clients: Clients, field: str) -> None:
    """Nobody posts an id, a tenant, a user, a time or a source, alone or in bulk."""
    for body in ({"action": "click", field: "x"}, [{"action": "click", field: "x"}]):
        response = clients.alice.post(URL, json=body)
        assert response.status_code == 422
        assert field in str(response.json["details"])
    assert clients.alice.get(URL).json == []


def test_r14_a_strangers_agent_is_like_an_absent_one(any_clients: Clients) -> None:
    """A log that names another tenant's agent gets the answer for an unknown id, and nothing is kept."""
    own, foreign, absent = make_agent(any_clients.charlie)["id"], make_agent(any_clients.alice)["id"], str(uuid4())
    for wrap in (lambda item: item, lambda item: [FULL, FULL | {"agent_id": own}, item]):
        seen, unseen = (
            any_clients.charlie.post(URL, json=wrap(FULL | {"agent_id": agent_id}))
            for agent_id in (foreign, absent)
        )
        assert seen.status_code == 422
        assert seen.text.replace(foreign, absent) == unseen.text
        assert "agent_id" in str(seen.json["details"])
    assert any_clients.charlie.get(f"{URL}?source=eq.client").json == []


def test_shared_agents_may_be_named_by_all(any_clients: Clients) -> None:
    """A client of any tenant records activity on an agent that all share."""
    shared = make_agent(any_clients.root, "Shared")
    made = any_clients.alice.post(URL, json={"action": "click", "agent_id": shared["id"]})
    assert (made.json["agent_name"], made.json["tenant_id"]) == ("Shared", "acme")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"action": "click", "model": "a\\u0000b"}',
        b'{"action": "click", "request_data": {"a\\u0000": 1}}',
        b'{"action": "click", "request_data": "\\ud800"}',
        b'{"action": "click", "provider": "\\udfff"}',
        b'{"action": "click", "request_data": NaN}',
        b'{"action": "click", "response_data": [{"a": -Infinity}]}',
        b'{"action": "click", "cost_usd": 1e999}',
        b'{"action": "click", "request_data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"action": "click", "duration_ms": ' + b"9" * 5000 + b"}",
    ],
)
def test_r28_r29_r30_what_no_database_keeps_is_refused(clients: Clients, raw: bytes) -> None:
    """NUL, half characters, NaN, Infinity, depth bombs and endless numbers are 4xx, and nothing is kept."""
    for body in (raw, b"[" + raw + b"]"):
        response = clients.alice.post(URL, data=body, content_type="application/json")
        assert 400 <= response.status_code < 500, response.text
        assert response.json["hint"]
    assert clients.alice.get(URL).json == []


@pytest.mark.parametrize("action", ["click\nADMIN did it", "click\r\n", "a\n", "a b", "", "_a", "a" * 65])
def test_r27_an_action_is_one_word(clients: Clients, action: str) -> None:
    """An action with line ends, blanks or anything else but a short word is refused."""
    assert clients.alice.post(URL, json={"action": action}).status_code == 422
    assert clients.alice.post(URL, json=[{"action": action}]).status_code == 422


_ODD: dict[str, list[Any]] = {
    "action": ["click", "a1_b.c:d-e", "A", "1a", "", "a" * 64, "a" * 65, "a\n", "é", None, 5, True],
    "status": ["success", "interrupted", "running", "x", None, 1, []],
    "agent_id": [str(uuid4()), uuid4().hex, "x" * 36, "", None, 7, f"{{{uuid4()}}}"],
    "cost_usd": [
        *(
            "0",
            "0.1",
            "1e-5",
            "-1",
            "NaN",
            "abc",
            "12345678.5",
            "1e5000",
            "٣",
            "1" * 30,
            "9999999",
            "9223372",
            "9223372.1",
            " 1",
            "1_0",
        ),
        *("0.0000000000001", 0, 3, 0.1, 1e-9, -0.5, 1e300, True, None, 9_223_372, 9_223_373, 9_999_999.5),
    ],
    "duration_ms": [0, 2**53, 2**53 + 1, -1, 1.0, 1.5, "1", True, None],
    "tokens_used": [7, -7, None],
    "provider": ["openai", "x" * 64, "x" * 65, "", None, 3],
    "model": ["m" * 255, "m" * 256],
    "finish_reason": ["stop", []],
    "error": ["e" * 64, "e" * 65],
    "request_data": [None, 1, "x", [], {"a": {"b": [1]}}, False],
    "tenant_id": ["acme"],
    "unknown": [1],
}


def test_the_glance_and_the_schema_agree() -> None:
    """Whatever the fast check lets through, the schema lets through with the same values; common logs pass it."""
    schema, seen = ActivityLogSchema(), 0
    singles = [(name, value) for name, values in _ODD.items() for value in values]
    pairs = itertools.chain(((a,) for a in singles), itertools.combinations(singles, 2))
    for pair in pairs:
        item = {"action": "click"} | dict(pair)
        if (glanced := at_a_glance(item)) is not None:
            seen += 1
            assert {"status": "success"} | glanced == load(schema, item), item
    assert seen > 500
    assert at_a_glance(json.loads(json.dumps(FULL | {"agent_id": str(uuid4())}))) is not None


def test_both_ways_give_the_same_messages(clients: Clients) -> None:
    """A field is refused in the same words whether it comes alone or in an array."""
    for name, values in _ODD.items():
        for value in values:
            item = {"action": "click", name: value}
            alone, among = clients.alice.post(URL, json=item), clients.alice.post(URL, json=[item])
            assert alone.status_code == among.status_code, item
            if alone.status_code == 422:
                assert among.json["details"]["0"] == alone.json["details"], item


def test_host_code_records_under_the_same_rules(host: Flask) -> None:
    """The service keeps what the route keeps, tames what no database takes and refuses the rest."""
    activity = activity_of(host)
    with host.app_context():
        odd = {"nul\x00": "a\ud800", "nan": float("nan"), "when": object}
        row = activity.record({"action": "sync", "request_data": odd, "model": "m\x00"}, principal=ALICE)
        kept = activity.get(row["id"], principal=ALICE)
        assert kept.request_data == {"nul": "a�", "nan": "nan", "when": str(object)}
        assert kept.model == "m"
        with pytest.raises(Invalid):
            activity.record({"action": "sync", "tenant_id": "globex"}, principal=ALICE)


@pytest.mark.parametrize(
    ("given", "total", "unpriced"),
    [
        ({"input_tokens": 3, "output_tokens": 4}, 7, True),
        ({"input_tokens": 3, "output_tokens": 4, "tokens_used": None}, 7, True),
        ({"input_tokens": 3, "output_tokens": 4, "cost_usd": "0.1"}, 7, False),
        ({"input_tokens": 3}, 3, True),
        ({"output_tokens": 0}, 0, False),
        ({"input_tokens": 3, "output_tokens": 4, "tokens_used": 9}, 9, True),
        ({"input_tokens": 3, "tokens_used": 0}, 0, True),
        ({"cached_tokens": 3}, None, True),
        ({}, None, False),
    ],
)
def test_tokens_are_added_up_where_the_client_did_not(
    clients: Clients, given: dict[str, Any], total: int | None, unpriced: bool
) -> None:
    """Input and output make the total, and any tokens without a cost are unpriced, in the figures too."""
    agent = make_agent(clients.alice)["id"]
    item = {"action": "execute", "agent_id": agent, "duration_ms": 1} | given
    wide = item | {
        "action": "execute",
        "agent_id": agent.replace("-", ""),
    }  # which the glance leaves to the schema
    for body in (item, [item], [wide]):
        made: Any = clients.alice.post(URL, json=body).json
        log = made[0] if isinstance(made, list) else made
        assert (log["tokens_used"], log["unpriced"]) == (total, unpriced)
    figures = clients.alice.get(f"/api/ai_agents/{agent}/performance_metrics").json
    assert (figures["tokens_used"], figures["unpriced"]) == (3 * (total or 0), 3 * unpriced)


def test_words_have_no_blanks_at_their_end(any_clients: Clients) -> None:
    """So that each database tells the same words apart; a blank one is none."""
    told = {"gpt": "gpt", "gpt ": "gpt", " gpt": " gpt", "gpt \t": "gpt", "   ": None, "": None}
    for text, kept in told.items():
        for body in ({"action": "execute", "model": text}, [{"action": "execute", "model": text}]):
            made: Any = any_clients.alice.post(URL, json=body).json
            assert (made[0] if isinstance(made, list) else made)["model"] == kept
    lines = any_clients.alice.get("/api/ai_agent_analytics/usage?by=model").json
    assert {line["key"]: line["executions"] for line in lines["rows"]} == {"gpt": 6, " gpt": 2, None: 4}


def test_no_amount_is_too_large_to_be_refused(any_clients: Clients) -> None:
    """The largest amount is kept and found again; larger ones are a 422 when written and a 400 when asked for."""
    for cost, status in (("9223372", 201), ("9223372.000000000001", 422), ("99999999", 422)):
        for body in ({"action": "x", "cost_usd": cost}, [{"action": "x", "cost_usd": cost}] * 2):
            assert any_clients.alice.post(URL, json=body).status_code == status, body
    assert len(any_clients.alice.get(f"{URL}?cost_usd=gte.9223372").json) == 3
    assert any_clients.alice.get(f"{URL}?cost_usd=lt.9223373").status_code == 400
    assert any_clients.alice.get(f"{URL}?cost_usd=gt.-9999999").status_code == 400


UNKNOWN = [{"action": "chat"} | {f"modl{n}x{k}": 1 for k in range(8)} for n in range(4_000)]
"""Items of names that are each new, and near to a known one."""


@pytest.mark.requirement("R44")
@pytest.mark.parametrize("lenient", [False, True])
def test_few_of_many_unknown_names_are_compared_with_the_known_ones(clients: Clients, lenient: bool) -> None:
    """Advice takes time, so a request gets a bounded number of it; every unknown name is refused all the same."""
    headers = {"Prefer": "handling=lenient"} if lenient else {}
    refused = clients.alice.post(URL, json=UNKNOWN, headers=headers)
    assert refused.status_code == 422
    messages = [text for item in refused.json["details"].values() for texts in item.values() for text in texts]
    assert len(messages) == 100 * 8
    assert sum("did you mean 'model'" in text for text in messages) == MOST_ADVISED
    assert {text for text in messages if "did you mean" not in text} == {"Unknown field."}
    long = clients.alice.post(URL, json={"action": "chat", "model" * 5_000: 1})
    assert list(long.json["details"].values()) == [["Unknown field."]]
