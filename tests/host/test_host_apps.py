"""Two hosts as people write them: their own suites pass unchanged with us mounted, and agents run there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

APPS = Path(__file__).parent / "apps"


def run_suite(app: str, file: str, mounted: str) -> str:
    """The summary of a suite that runs in a process of its own, with the host's own extensions."""
    folder = APPS / app
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder),
         "--confcutdir", str(folder), "-W", "error",
         "-W", "ignore:datetime.datetime.utcnow:DeprecationWarning", "-p", "no:cacheprovider", file],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{APPS.parents[2]}", "WITH_AIAGENTS": mounted},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return re.sub(r" in .*", "", done.stdout.strip().splitlines()[-1])


HOSTS = [("blog", "blog", ["last"]), ("shop_api", "shop", ["first", "last"])]


@pytest.mark.slow
@pytest.mark.parametrize(("app", "name", "mounts"), HOSTS)
def test_the_hosts_own_suite_passes_unchanged(app: str, name: str, mounts: list[str]) -> None:
    """Each test passes without us and with us, whether we are mounted before the host's routes or after them."""
    alone = run_suite(app, f"suite_{name}.py", "")
    for mounted in mounts:
        assert run_suite(app, f"suite_{name}.py", mounted) == alone
        assert "passed" in run_suite(app, f"agents_{name}.py", mounted)
