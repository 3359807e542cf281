from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from support.cast import ALICE
from support.hosts import close, make_host

from flask_aiagents.testing import client_as

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import texts  # pyright: ignore[reportMissingImports]

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def test_every_text_has_a_german_translation() -> None:
    """The German catalogue has exactly the panel's texts, and none is left out."""
    (path,) = (path for path in texts.catalogues() if path.parts[-3] == "de")
    assert texts.missing(texts.updated(path)) == []


def test_the_compiled_catalogue_is_that_of_the_source(tmp_path: Path) -> None:
    """Who changed a translation compiled it too: scripts/texts.py."""
    (path,) = (path for path in texts.catalogues() if path.parts[-3] == "de")
    compiled = tmp_path / "now.mo"
    with compiled.open("wb") as file:
        texts.write_mo(file, texts.updated(path))
    assert _messages(compiled) == _messages(path.with_suffix(".mo"))


def _messages(path: Path) -> dict[object, str]:
    from gettext import GNUTranslations

    with path.open("rb") as file:
        catalog: dict[object, str] = GNUTranslations(file)._catalog  # pyright: ignore[reportAttributeAccessIssue]
    return {key: value for key, value in catalog.items() if key}


def test_the_panel_speaks_the_readers_language(host: Flask) -> None:
    """German for a browser that prefers German, English for one that wants what we lack."""
    alice = client_as(host, ALICE)
    german = alice.get("/aiagents/agents/", headers=GERMAN).text
    assert '<html lang="de">' in german
    assert "Noch keine Agenten" in german
    english = alice.get("/aiagents/agents/", headers={"Accept-Language": "xx"}).text
    assert '<html lang="en">' in english
    assert "No agents yet" in english


def test_a_host_adds_a_language_and_changes_a_word(tmp_path: Path) -> None:
    """Catalogues named aiagents.mo in the host's translations folder come before ours."""
    folder = tmp_path / "translations" / "nl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = texts.Catalog(locale="nl")
    catalog.add("No agents yet", "Nog geen agenten")
    with (folder / "aiagents.mo").open("wb") as file:
        texts.write_mo(file, catalog)
    app = make_host(f"sqlite:///{tmp_path}/nl.db")
    app.root_path = str(tmp_path)
    page = client_as(app, ALICE).get("/aiagents/agents/", headers={"Accept-Language": "nl"}).text
    assert "Nog geen agenten" in page
    assert "New agent" in page, "what the host did not translate stays English"
    close(app)
