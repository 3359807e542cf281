"""A believable host in the spirit of microblog-api: JSON under /api, tokens, own docs and error bodies.

It is a host as people write them: nothing in it was arranged for flask-aiagents but the last lines of the factory.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from alchemical.flask import Alchemical, Model
from flask import Blueprint, Flask, abort, g, jsonify, request
from flask_cors import CORS
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import HTTPException, InternalServerError

db = Alchemical()


class Customer(Model):
    """Somebody with a token."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str | None]
    requests: Mapped[int] = mapped_column(default=0)


class Order(Model):
    """Something that was ordered."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    item: Mapped[str]


api = Blueprint("api", __name__)
orders = Blueprint("orders", __name__)


def identify() -> Customer | None:
    """The customer of the request's token."""
    if "customer" not in g:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = Customer.select().filter_by(token=token)
        g.customer = db.session.scalar(found) if kind == "Bearer" and token else None
    return g.customer


def with_token(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if identify() else abort(401)

    return checked


@api.post("/tokens")
def log_in() -> Any:
    customer = db.session.scalar(Customer.select().filter_by(name=(request.get_json())["name"]))
    if customer is None:
        abort(401)
    customer.token = secrets.token_urlsafe()
    db.session.commit()
    return jsonify(access_token=customer.token)


@api.get("/me")
@with_token
def me() -> Any:
    return jsonify(id=g.customer.id, name=g.customer.name, requests=g.customer.requests)


@api.get("/health")
def health() -> Any:
    return jsonify(shop="open")


@api.get("/docs/")
def docs() -> str:
    return "<h1>The shop's API</h1>"


@api.get("/openapi.json")
def document() -> Any:
    return jsonify(openapi="3.0.3", info={"title": "Shop", "version": "1"})


@api.get("/boom")
def boom() -> str:
    raise RuntimeError("boom")


@orders.get("/")
@with_token
def list_orders() -> Any:
    mine = db.session.scalars(Order.select().filter_by(customer_id=g.customer.id))
    return jsonify([{"id": one.id, "item": one.item} for one in mine])


@orders.post("/")
@with_token
def make_order() -> Any:
    order = Order(customer_id=g.customer.id, item=(request.get_json())["item"])
    db.session.add(order)
    db.session.commit()
    return jsonify(id=order.id, item=order.item), 201


@orders.get("/<int:order_id>")
@with_token
def get_order(order_id: int) -> Any:
    order = db.session.get(Order, order_id) or abort(404)
    return jsonify(id=order.id, item=order.item)


def count_requests() -> None:
    """Each request of a customer is counted; committed at its end."""
    if (customer := identify()) is not None:
        customer.requests += 1


def as_json(error: HTTPException) -> Any:
    return jsonify(error=error.name), error.code


def internal(error: InternalServerError) -> Any:
    return jsonify(error="The shop is on fire"), 500


def create_app(**config: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(ALCHEMICAL_DATABASE_URL="sqlite:///shop.db", ALCHEMICAL_AUTOCOMMIT=True)
    app.config.update(config)
    db.init_app(app)
    CORS(app, resources={r"/api/.*": {"origins": "https://shop.example"}})
    app.before_request(count_requests)
    app.register_error_handler(HTTPException, as_json)
    app.register_error_handler(500, internal)
    if os.environ.get("WITH_AIAGENTS") == "first":
        add_agents(app)
    app.register_blueprint(api, url_prefix="/api")
    app.register_blueprint(orders, url_prefix="/api/orders")
    if os.environ.get("WITH_AIAGENTS") == "last":
        add_agents(app)
    return app


def add_agents(app: Flask) -> None:
    from flask_aiagents import AIAgents, Principal, Role

    def who() -> Principal | None:
        customer = identify()
        return customer and Principal(str(customer.id), "shop", Role.TENANT_ADMIN)

    AIAgents(app, db, identity=who)
