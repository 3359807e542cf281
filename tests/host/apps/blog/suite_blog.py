"""The blog's own tests, as they were before anybody thought of agents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from blog import Post, User, create_app, db
from flask import Flask


@pytest.fixture
def app(tmp_path: Any) -> Iterator[Flask]:
    app = create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/blog.db")
    with app.app_context():
        db.create_all()
        db.session.add(User(name="susan"))  # pyright: ignore[reportCallIssue]
        db.session.commit()
    yield app
    with app.app_context():
        db.drop_all()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


def token(html: str) -> str:
    return re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', html)[0]


def send(client: Any, path: str, **data: str) -> Any:
    return client.post(path, data={"csrf_token": token(client.get(path).text), **data})


@pytest.fixture
def susan(client: Any) -> Any:
    assert send(client, "/auth/login", name="susan").headers["Location"] == "/"
    return client


def test_pages_need_a_login(client: Any) -> None:
    assert client.get("/").headers["Location"] == "/auth/login?next=%2F"


def test_a_login_leads_on(client: Any) -> None:
    assert send(client, "/auth/login?next=/admin/", name="susan").headers["Location"] == "/admin/"


def test_an_unknown_name(client: Any) -> None:
    send(client, "/auth/login", name="nobody")
    assert "Unknown name" in client.get("/auth/login").text


def test_a_post_is_shown(app: Flask, susan: Any) -> None:
    assert send(susan, "/", body="hello there").status_code == 302
    html = susan.get("/").text
    assert "Your post is live" in html
    assert "susan: hello there" in html
    with app.app_context():
        assert db.session.scalars(db.select(Post.body)).all() == ["hello there"]


def test_a_long_post_is_refused(susan: Any) -> None:
    assert "140" in send(susan, "/", body="x" * 141).text


def test_forms_need_their_token(susan: Any) -> None:
    assert susan.post("/", data={"body": "forged"}).status_code == 400


def test_languages(client: Any) -> None:
    assert '<html lang="de">' in client.get("/auth/login", headers={"Accept-Language": "de"}).text
    assert '<html lang="en">' in client.get("/auth/login", headers={"Accept-Language": "fr"}).text


@pytest.mark.parametrize("path", ["/nowhere", "/apis", "/auth/nothing", "/admin/nothing"])
def test_the_404_page(client: Any, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "<h1>File Not Found</h1>" in response.text
    assert response.headers["X-Served-By"] == "blog"


def test_the_500_page(client: Any) -> None:
    assert "An unexpected error has occurred" in client.get("/boom").text


def test_the_admin_is_closed(client: Any) -> None:
    assert client.get("/admin/").status_code == 404
    assert client.get("/admin/posts_admin/").status_code == 403


def test_the_admin_lists_posts(susan: Any) -> None:
    send(susan, "/", body="listed")
    assert "Home" in susan.get("/admin/").text
    assert "listed" in susan.get("/admin/posts_admin/").text
    assert susan.get("/admin/posts_admin/new/").status_code == 200


def test_the_admin_in_german(susan: Any) -> None:
    assert "<title>Start - Blog" in susan.get("/admin/", headers={"Accept-Language": "de"}).text
