from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

SOURCES = [ROOT / "flask_aiagents_alembic.py"] + [
    path for folder in ("flask_aiagents", "migrations") for path in sorted((ROOT / folder).rglob("*.py"))
]

TOOLS = ("test", "check", "example")
"""Extras of our own development; what ships must not need them."""

HOSTS_OWN = {"flask-babel"}
"""Imported only where the host uses it already."""


def imported() -> Iterator[tuple[str, Path]]:
    """Top-level modules that the package imports, anywhere in its files, and where."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield node.module.partition(".")[0], path


def declared() -> dict[str, Requirement]:
    """The requirements of the package and of the extras for hosts."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    lists = [config["options"]["install_requires"], *(extras[name] for name in extras if name not in TOOLS)]
    lines = (line.strip() for text in lists for line in text.splitlines() if line.strip())
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def pinned_by(name: str) -> set[str]:
    """Distributions that one requires in exactly one version, such as a library's own compiled core."""
    requirements = map(Requirement, distribution(name).requires or [])
    return {canonicalize_name(one.name) for one in requirements if any(s.operator == "==" for s in one.specifier)}


def test_every_imported_distribution_is_declared() -> None:
    """Nothing that the package imports is there by luck, as another package's requirement."""
    wanted = declared()
    allowed = wanted.keys() | HOSTS_OWN | {part for name in wanted for part in pinned_by(name)}
    distributions = packages_distributions()
    undeclared = {
        f"{module} in {path.relative_to(ROOT)}"
        for module, path in imported()
        if module not in sys.stdlib_module_names and not module.startswith("flask_aiagents")
        if not {canonicalize_name(name) for name in distributions.get(module, [])} & allowed
    }
    assert undeclared == set()


def test_no_host_has_to_leave_marshmallow_3() -> None:
    """The REST library admits marshmallow 3 and 4, and so does the package."""
    specifier = declared()["marshmallow"].specifier
    assert specifier.contains("3.24.1")
    assert specifier.contains("3.26.2")
    assert specifier.contains("4.4.0")
