from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from running import Result, run
from support.cast import BOB, CHARLIE, Clients
from support.logs import execution

from flask_aiagents.core.clock import utcnow

URL = "/api/ai_agent_activity_logs"

AGENT = "01980000-0000-7000-8000-000000000000"

KINDS = pytest.mark.parametrize(
    "options", [("--format", "csv"), ("--format", "jsonl"), ("--format", "csv", "--gzip")], ids=" ".join
)


def fill(app: Flask, number: int = 450) -> None:
    """Logs of both tenants, with quotes and line ends."""
    clients = Clients.of(app)
    for client in (clients.bob, clients.charlie):
        logs = [{"action": "note", "error": f'a "line"\r\n{n}', "duration_ms": n} for n in range(number)]
        assert client.post(URL, json=logs, headers={"Prefer": "return=minimal"}).status_code == 201


def export(app: Flask, *options: str) -> Result:
    return run(app, "logs", "export", *options)


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def test_the_whole_log_is_what_the_operator_sees(any_host: Flask) -> None:
    """To stdout by default, newest first, all tenants' logs or one's; the same bytes as over HTTP."""
    fill(any_host, 3)
    clients = Clients.of(any_host)
    for format in ("csv", "jsonl"):
        served = clients.root.get(f"{URL}/export?format={format}").data
        assert export(any_host, "--format", format).stdout_bytes == served
    tenant = rows(export(any_host, "--format", "jsonl", "--tenant", "acme"))
    assert [row["tenant_id"] for row in tenant] == ["acme"] * 3
    assert rows(export(any_host, "--format", "jsonl", "--tenant", "nobody")) == []


def test_conditions_are_those_of_lists(host: Flask) -> None:
    """--where takes what a list's URL takes, as often as one likes; nonsense ends with a sentence."""
    fill(host, 5)
    asked = (
        "--format",
        "jsonl",
        "--where",
        "duration_ms=gte.2",
        "--where",
        "or=(user_id.eq.bob,duration_ms.eq.4)",
    )
    assert [row["duration_ms"] for row in rows(export(host, *asked))] == [4, 4, 3, 2]
    for wrong in ("status=active", "nothing=eq.1", "limit=5", "order=id", "duration_ms", "cursor=x", ""):
        result = export(host, "--where", wrong)
        assert (result.exit_code in (1, 2), result.stdout) == (True, ""), wrong
        assert "Traceback" not in result.output


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(any_host: Flask) -> None:
    """--from is among the logs, --to is not; both are UTC."""
    noon = (utcnow() - timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    second = timedelta(seconds=1)
    ids = {
        hours: str(execution(any_host, AGENT, principal=who, at=noon + hours * second))
        for who in (BOB, CHARLIE)
        for hours in ((-1, 0) if who is BOB else (1, 2))
    }
    period = ("--from", f"{noon:%Y-%m-%d %H:%M:%S}", "--to", f"{noon + 2 * second:%Y-%m-%dT%H:%M:%S}")
    assert [row["id"] for row in rows(export(any_host, "--format", "jsonl", *period))] == [ids[1], ids[0]]
    own = rows(export(any_host, "--format", "jsonl", "--tenant", "acme", *period))
    assert [row["id"] for row in own] == [ids[0]]


@KINDS
def test_a_file_is_whole_under_its_name(host: Flask, tmp_path: Path, options: tuple[str, ...]) -> None:
    """The file has what stdout has; nothing else is left, and doing it again writes it anew."""
    fill(host)
    file = tmp_path / "logs"
    for _ in range(2):
        result = export(host, *options, "--output", str(file))
        assert (result.exit_code, result.stdout) == (0, "")
        assert "whole" in result.stderr
        assert unpacked(file) == export(host, *options[:2]).stdout_bytes
        assert list(tmp_path.glob("logs*")) == [file]


@KINDS
def test_a_file_that_broke_off_anywhere_goes_on(host: Flask, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Wherever it was cut, --resume ends with the file that would have been: no row is lost, broken or twice."""
    fill(host, 250)
    file, part = tmp_path / "logs", tmp_path / "logs.part"
    assert export(host, *options, "--output", str(file)).exit_code == 0
    whole, rows = file.read_bytes(), unpacked(file)
    cuts = {0, 1, 5, 30, 200, 400, 900, len(whole) // 3, len(whole) // 2, len(whole) - 1, len(whole)}
    for cut in sorted(cuts | set(range(len(whole) - 40, len(whole) - 20))):
        file.unlink(missing_ok=True)
        part.write_bytes(whole[:cut])
        result = export(host, *options, "--output", str(file), "--resume")
        assert result.exit_code == 0, result.output
        assert unpacked(file) == rows, cut
        assert not part.exists()


def test_resume_can_be_asked_for_always(host: Flask, tmp_path: Path) -> None:
    """It begins where there is nothing yet and is content with what is whole; without it a part is not touched."""
    fill(host, 3)
    file, part = tmp_path / "logs", tmp_path / "logs.part"
    asked = ("--output", str(file))
    assert export(host, *asked, "--resume").exit_code == 0
    whole = file.read_bytes()
    again = export(host, *asked, "--resume")
    assert (again.exit_code, file.read_bytes()) == (0, whole)
    part.write_bytes(whole[:-5])
    refused = export(host, *asked)
    assert refused.exit_code == 1
    assert "--resume" in refused.output
    assert part.read_bytes() == whole[:-5]
    assert export(host, "--resume").exit_code == 2


@pytest.mark.parametrize(
    "content", [b"some,other\r\n1,2\r\n", b'{"id": 1}\r\n', b"\x00" * 99 + b"\r\n", b'"x"\r\n']
)
@pytest.mark.parametrize("options", [("--format", "csv"), ("--format", "jsonl"), ("--gzip",)], ids=" ".join)
def test_another_file_is_not_gone_on_with(
    host: Flask, tmp_path: Path, content: bytes, options: tuple[str, ...]
) -> None:
    """What is no part of such an export is left as it is."""
    part = tmp_path / "logs.part"
    part.write_bytes(content)
    result = export(host, *options, "--output", str(tmp_path / "logs"), "--resume")
    assert result.exit_code == 1
    assert "no export of this kind" in result.output
    assert "--resume" not in result.output
    assert part.read_bytes() == content


def test_a_wrong_question_leaves_no_file(host: Flask, tmp_path: Path) -> None:
    """What could not even begin is nothing to go on with."""
    for options in ((), ("--gzip",), ("--resume",)):
        result = export(host, "--where", "nothing=eq.1", *options, "--output", str(tmp_path / "logs"))
        assert (result.exit_code, list(tmp_path.glob("logs*"))) == (1, [])


def test_no_logs_are_a_file_as_well(host: Flask, tmp_path: Path) -> None:
    """An empty log is an empty file, a header, or an empty file in gzip."""
    file = tmp_path / "logs"
    for options, expected in ((("--format", "jsonl"), b""), (("--format", "jsonl", "--gzip"), b"")):
        assert export(host, *options, "--output", str(file)).exit_code == 0
        assert unpacked(file) == expected
    assert gzip.decompress(file.read_bytes()) == b""


APP = """
import signal
from support.hosts import make_host
signal.signal(signal.SIGXFSZ, signal.{then})
app = make_host({uri!r}, migrated=False)
"""
"""An app whose process is killed, or told, at the byte where a file becomes too large."""


def limited(app: Flask, folder: Path, options: tuple[str, ...], then: str) -> subprocess.CompletedProcess[str]:
    """An export in a process of its own, for whose file there is not enough room."""
    (folder / "limited.py").write_text(APP.format(uri=app.config["SQLALCHEMY_DATABASE_URI"], then=then))
    command = [sys.executable, "-m", "flask", "--app", "limited:app", "aiagents", "logs", "export", *options]
    paths = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    return subprocess.run(
        ["prlimit", "--fsize=60001", *command, "--output", str(folder / "logs")],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@KINDS
def test_a_killed_export_goes_on(host: Flask, tmp_path: Path, options: tuple[str, ...]) -> None:
    """A process that dies while it writes leaves a part, which another one ends."""
    fill(host, 2_000)
    file, part = tmp_path / "logs", tmp_path / "logs.part"
    killed = limited(host, tmp_path, options, "SIG_DFL")
    assert killed.returncode < 0, killed.stderr
    assert part.stat().st_size > 0
    assert not file.exists()
    assert export(host, *options, "--output", str(file), "--resume").exit_code == 0
    assert unpacked(file) == export(host, *options[:2]).stdout_bytes


def test_a_full_disk_is_told_in_a_sentence(host: Flask, tmp_path: Path) -> None:
    """What came so far stays, and the command says how to go on."""
    fill(host, 2_000)
    full = limited(host, tmp_path, (), "SIG_IGN")
    assert full.returncode == 1
    assert "--resume" in full.stderr
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    assert export(host, "--output", str(tmp_path / "logs"), "--resume").exit_code == 0
    assert unpacked(tmp_path / "logs") == export(host).stdout_bytes
