"""The library's own tests."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from library import PASSWORD
from reading import Visitor


def test_a_stranger_is_led_to_the_login(visitor: Visitor) -> None:
    """Nobody is greeted as nobody and led from the desk to the login."""
    assert visitor.greeting() == "stranger"
    response = visitor.client.get("/desk")
    assert (response.status_code, response.location) == (302, "/login?next=/desk")


def test_login_and_logout(visitor: Visitor) -> None:
    """A right password logs in, and logout ends it."""
    assert visitor.log_in().status_code == 302
    assert visitor.greeting() == "reader@example.org"
    assert visitor.client.post("/logout").status_code == 302
    assert visitor.greeting() == "stranger"


def test_a_wrong_password_logs_nobody_in(visitor: Visitor) -> None:
    """The form comes again with an error."""
    response = visitor.log_in(password="guessed wrong")
    assert (response.status_code, "password" in response.text) == (200, True)
    assert visitor.greeting() == "stranger"


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    """The login form has a CSRF token."""
    response = visitor.client.post("/login", data={"email": "reader@example.org", "password": PASSWORD})
    assert "CSRF token is missing" in response.text


def test_the_remember_cookie_outlives_the_session(visitor: Visitor) -> None:
    """Who asked to be remembered is known without a session."""
    visitor.log_in()
    visitor.client.delete_cookie("session")
    assert visitor.greeting() == "reader@example.org"


def test_registration(visitor: Visitor) -> None:
    """A new reader is logged in at once, and not without a good password."""
    fields = {"email": "new@example.org", "password": "short", "password_confirm": "short"}
    assert "8 characters" in visitor.submit("/register", **fields).text
    fields |= {"password": PASSWORD, "password_confirm": PASSWORD}
    assert visitor.submit("/register", **fields).status_code == 302
    assert visitor.greeting() == "new@example.org"


def test_roles(app: Flask) -> None:
    """The desk is the librarian's."""
    reader, librarian = Visitor(app.test_client()), Visitor(app.test_client())
    reader.log_in()
    librarian.log_in("librarian")
    assert reader.client.get("/desk").status_code == 403
    assert librarian.client.get("/desk").text == "<h1>The desk</h1>"


def test_a_token_is_a_login_for_programs(app: Flask, visitor: Visitor) -> None:
    """A token reads and writes without a cookie; a wrong one is a 401 in JSON."""
    program: Any = app.test_client()
    token = visitor.token()
    made = program.post("/api/books", json={"title": "Emma"}, headers=token)
    assert (made.status_code, made.json) == (201, {"by": "reader@example.org"})
    assert "Emma" in program.get("/api/books", headers=token).json
    wrong = {"Authentication-Token": "wrong", "Accept": "application/json"}
    refused = program.post("/api/books", json={"title": "Emma"}, headers=wrong)
    assert (refused.status_code, refused.json["meta"]["code"]) == (401, 401)


def test_a_session_reads_books_and_adds_none(visitor: Visitor) -> None:
    """Adding takes a token."""
    visitor.log_in()
    assert visitor.client.get("/api/books").status_code == 200
    assert visitor.client.post("/api/books", json={"title": "Emma"}).status_code == 401


def test_a_new_password_ends_other_sessions(app: Flask) -> None:
    """Whoever is logged in elsewhere is not after the password changed."""
    here, there = Visitor(app.test_client()), Visitor(app.test_client())
    here.submit("/register", email="moving@example.org", password=PASSWORD, password_confirm=PASSWORD)
    there.log_in("moving")
    fields = {"password": PASSWORD, "new_password": "another word", "new_password_confirm": "another word"}
    assert here.submit("/change", **fields).status_code == 302
    assert (here.greeting(), there.greeting()) == ("moving@example.org", "stranger")


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/nowhere", 404, "No such shelf"),
        ("GET", "/api/books/99", 404, "No such shelf"),
        ("DELETE", "/api/books", 405, "Not that way"),
        ("GET", "/broken", 500, "The library is closed"),
    ],
)
def test_error_pages(visitor: Visitor, method: str, path: str, status: int, text: str) -> None:
    """Errors have the library's own pages."""
    response = visitor.client.open(path, method=method)
    assert (response.status_code, response.text) == (status, f"<h1>{text}</h1>")
