"""Print pip constraints that pin each of our own requirements to the oldest version that setup.cfg admits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

TOOLS = ("test", "check", "example")
"""Extras of ours, not of hosts: their oldest versions promise nothing to anybody."""

_BOUND = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


def main() -> None:
    config = ConfigParser()
    config.read(Path(__file__).parent.parent / "setup.cfg")
    lists = [config["options"]["install_requires"]]
    lists += [text for extra, text in config["options.extras_require"].items() if extra not in TOOLS]
    for name, version in sorted(set(_bounds("\n".join(lists)))):
        print(f"{name}=={version}")  # noqa: T201  # its output is its purpose


def _bounds(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if found := _BOUND.match(line.strip()):
            yield found.group(1), found.group(2)


if __name__ == "__main__":
    main()
