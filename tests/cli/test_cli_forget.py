from __future__ import annotations

import pytest
from flask import Flask
from running import run
from support.forgotten import CANARY, SECRET, dump, live


def test_a_tenant_is_forgotten_when_its_id_is_typed(host: Flask) -> None:
    """The command says what will go, asks, shows how far it is and ends with what went."""
    live(host)
    before = dump(host)
    refused = host.test_cli_runner().invoke(args=["aiagents", "forget", "--tenant", "acme"], input="globex\n")
    assert refused.exit_code == 1
    assert "another id. Nothing was changed" in refused.output
    assert dump(host) == before
    result = host.test_cli_runner().invoke(args=["aiagents", "forget", "--tenant", "acme"], input="acme\n")
    assert result.exit_code == 0, result.output
    asked, _, rest = result.output.partition("Type acme to go on: ")
    progress, _, done = rest.partition("Forgotten:\n")
    for text in (asked, progress, done):
        assert "2 API keys" in text.replace("           2  ", "2 ")
        assert "logs" in text
        assert "2 agents" in text.replace("           2  ", "2 ")
    assert not any(SECRET in row for rows in dump(host).values() for row in rows)


def test_nobody_who_answers_is_no_yes(host: Flask) -> None:
    """Where no one types, as in a job, --yes must say so."""
    live(host)
    before = dump(host)
    assert run(host, "forget", "--tenant", "acme").exit_code == 1
    assert dump(host) == before
    assert run(host, "forget", "--tenant", "acme", "--yes").exit_code == 0


@pytest.mark.parametrize("of", [["--tenant", "acme"], []])
def test_a_person_is_forgotten(host: Flask, of: list[str]) -> None:
    """A tenant's user, or without a tenant one of the operator's own; the deed is the terminal's."""
    live(host)
    result = run(host, "forget", *of, "--user", CANARY, "--yes")
    assert result.exit_code == 0, result.output
    assert "agents they made" in result.output
    again = run(host, "forget", *of, "--user", CANARY, "--yes")
    assert again.exit_code == 1
    assert "nothing to forget" in again.output
    deeds = [row for row in dump(host)["ai_agent_activity_logs"] if "'forget'" in row]
    assert len(deeds) == 1
    assert "'cli'" in deeds[0]


def test_nonsense_is_refused_in_words(host: Flask) -> None:
    """Without a name, with an unknown one, or with what is no id at all."""
    for arguments, code, word in (
        ((), 2, "Name a tenant"),
        (("--tenant", "nobody"), 1, "nothing to forget of tenant nobody"),
        (("--tenant", "acme", "--user", "nobody"), 1, "nothing to forget of user nobody of tenant acme"),
        (("--tenant", ""), 1, "tenant_id"),
        (("--user", "\udcff"), 1, "user_id"),
        (("--user", "cli", "--yes"), 1, "forgets themselves"),
    ):
        result = run(host, "forget", *arguments)
        assert result.exit_code == code, result.output
        assert word in result.output
        assert "Traceback" not in result.output
