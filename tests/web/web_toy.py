"""A small host with one resource of its own kind, to try the web floor without any feature."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, Response, jsonify, request
from marshmallow import fields, validate
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from flask_aiagents import SYSTEM
from flask_aiagents.config import Settings
from flask_aiagents.core.columns import JSONB, Money, UTCDateTime
from flask_aiagents.core.tenancy import TenantSession
from flask_aiagents.web.api import (
    Blueprint,
    ScopedApi,
    body,
    created,
    etag,
    if_match,
    list_query,
    no_content,
    page_response,
    updated,
)
from flask_aiagents.web.columns import Columns
from flask_aiagents.web.docs import docs_blueprint
from flask_aiagents.web.host_routes import yield_to_host
from flask_aiagents.web.json import json_response
from flask_aiagents.web.openapi import IF_MATCH, SECURITY_SCHEMES
from flask_aiagents.web.pagination import list_page
from flask_aiagents.web.schema import StrictSchema, load
from flask_aiagents.web.streaming import event_stream
from flask_aiagents.web.unmatched import catch_unmatched

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Base(DeclarativeBase):
    """Apart from all other tables."""


class Toy(Base):
    """One column of each kind."""

    __tablename__ = "toys"
    __table_args__ = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    note: Mapped[str | None] = mapped_column(sa.Text)
    size: Mapped[int] = mapped_column(sa.Integer)
    price: Mapped[Decimal | None] = mapped_column(Money)
    soft: Mapped[bool] = mapped_column(sa.Boolean)
    tags: Mapped[list[str]] = mapped_column(JSONB)
    traits: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


TOYS = Columns(Toy, "id name note size price soft tags traits made_at", order="made_at")


class ToySchema(StrictSchema):
    """What is sent and shown."""

    id = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=validate.Length(1, 200))
    size = fields.Integer(strict=True)
    price = fields.Decimal(places=12, as_string=True, allow_none=True)


def toy_id(number: int) -> UUID:
    """The id of the toy with this number."""
    return UUID(int=(0x0190 << 112) + (7 << 76) + (2 << 62) + number)


def toy(number: int, name: str = "", **values: Any) -> Toy:
    """The toy with this number; made so many seconds after the first."""
    plain: dict[str, Any] = {
        "note": None, "size": number, "price": None, "soft": bool(number % 2), "tags": [], "traits": {},
        "made_at": FIRST + timedelta(seconds=number),
    }  # fmt: skip
    return Toy(id=toy_id(number), name=name or f"toy {number}", **(plain | values))


def toy_engine(uri: str, *toys: Toy) -> sa.Engine:
    """A database with these toys."""
    engine = sa.create_engine(uri)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(toys)
        session.commit()
    return engine


class Source:
    """A stream that remembers whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]] | None]:
        yield "delta", {"text": "a\nb"}
        yield None
        yield "done", {"at": FIRST, "cost": Decimal("0.000000000001")}

    def close(self) -> None:
        self.closed = True


def toy_blueprint(engine: sa.Engine, source: Source) -> Blueprint:
    """Routes that use every part of the floor."""
    blp = Blueprint("toys", description="Toys")

    @blp.get("/toys")
    @blp.documents(200, ToySchema, query=TOYS, permission="see toys")
    def list_toys() -> Response:
        """List toys."""
        with TenantSession(engine, scope=SYSTEM) as session:
            return page_response(list_page(session, TOYS, list_query()))

    @blp.post("/toys")
    @blp.documents(201, ToySchema, body=ToySchema, or_array=True)
    def create_toys() -> Response:
        """Make toys."""
        data = body()
        many = isinstance(data, list)
        loaded = load(ToySchema(), data, many=many)
        return created(loaded, "" if many else ".get_toy", **({} if many else {"number": 1}))

    @blp.get("/toys/<int:number>")
    @blp.documents(200, ToySchema, errors=(404,))
    def get_toy(number: int) -> Response:
        """Read a toy."""
        with Session(engine) as session:
            return json_response(TOYS.dump(session.get_one(Toy, toy_id(number))), 200, etag(3))

    @blp.put("/toys/<int:number>")
    @blp.documents(200, ToySchema, body=ToySchema, parameters=[IF_MATCH], errors=(412,))
    def put_toy(number: int) -> Response:
        """Tell what was asked."""
        return updated({"number": number, "version": if_match(request), "sent": body()})

    @blp.delete("/toys/<int:number>")
    @blp.documents(204, errors=(404,))
    def delete_toy(number: int) -> Response:
        """Do nothing."""
        return no_content()

    @blp.post("/break")
    @blp.documents(200)
    def break_down() -> Response:
        """Fail in a way that nobody expects."""
        raise RuntimeError("the password is hunter2")

    @blp.get("/events")
    @blp.documents(200, ToySchema, streams=True)
    def events() -> Response:
        """Stream."""
        return event_stream(source)

    return blp


def toy_host(engine: sa.Engine, prefix: str = "/api") -> Flask:
    """A host with JSON, error pages and routes of its own, some under our prefix."""
    app = Flask("some_host")
    app.extensions["aiagents"] = SimpleNamespace(settings=Settings(max_body_bytes=10_000))

    @app.errorhandler(404)
    @app.errorhandler(405)
    @app.errorhandler(Exception)
    def own_page(error: Exception) -> tuple[str, int]:
        return f"<h1>the host's {getattr(error, 'code', 500)}</h1>", getattr(error, "code", 500)

    @app.post("/api/widgets")
    def widgets() -> Response:
        return jsonify({"at": FIRST})

    @app.get("/api/gadgets/")
    def gadgets() -> str:
        return "gadgets"

    @app.get("/api/<section>/host-page")
    def section_page(section: str) -> str:
        return f"page of {section}"

    @app.get("/api/files/<path:name>")
    def files(name: str) -> str:
        return f"file {name}"

    mount_toys(app, engine, prefix)
    return app


def mount_toys(app: Flask, engine: sa.Engine, prefix: str) -> None:
    """Put the routes into an app."""
    app.extensions["toy_source"] = source = Source()
    api = ScopedApi(
        app,
        config_prefix="AIAGENTS_",
        spec_kwargs={"title": "Toys", "version": "1", "openapi_version": "3.1.0"},
    )
    api.describe_security(SECURITY_SCHEMES)
    api.register_blueprint(toy_blueprint(engine, source), url_prefix=prefix)
    app.register_blueprint(docs_blueprint(api), url_prefix=prefix)
    catch_unmatched(app, prefix)
    yield_to_host(app)
