"""Tables and first rows. Everything here may run again, and by several processes at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from flask_aiagents import Principal, Role, current_aiagents
from flask_aiagents.core.principal import SHARED
from flask_aiagents.errors import Conflict
from flask_aiagents.web.filtering import Filter, Query

from . import migrating
from .cast import COLLEAGUES, ORDERS, PEOPLE, RECIPES, TENANTS, Person, Recipe
from .models import Base, Order, Tenant, User, db
from .past import make_past
from .provider import OFFLINE, available

PAST = "EXAMPLE_PAST"
"""Environment variable: 0 begins without the sixty days of synthetic activity."""


def prepare(app: Flask, tell: Callable[[str], object]) -> None:
    """Make and fill what is missing; what is there stays as it is.

    :param tell: is told what takes long, in sentences.
    """
    with app.app_context(), _one_at_a_time(Path(app.instance_path)):
        migrating.upgrade()
        _platform()
        model = available()
        for recipe in RECIPES:
            _agent(recipe, model)
        if os.environ.get(PAST) != "0":
            make_past(tell)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, also by a kill
        yield


def _platform() -> None:
    for tenant_id, name in TENANTS.items():
        _unless_there(Tenant(id=tenant_id, name=name), tenant_id)
    for person in (*PEOPLE, *COLLEAGUES):
        if db.session.get(User, person.username):
            continue  # a password takes a while to hash
        user = User(username=person.username, role=person.role.value, tenant_id=person.tenant_id)
        user.set_password(person.password)
        db.session.add(user)
    for number, tenant_id, item, status in ORDERS:
        _unless_there(Order(id=number, tenant_id=tenant_id, item=item, status=status), number)
    db.session.commit()


def _unless_there(row: Base, key: str | int) -> None:
    if db.session.get(type(row), key) is None:
        db.session.add(row)
        db.session.flush()


def _agent(recipe: Recipe, model: dict[str, str]) -> None:
    try:
        current_aiagents.agents.create(recipe.data(model), principal=recipe.maker.principal)
    except Conflict:  # seeded before
        _wake(recipe, model)


def _wake(recipe: Recipe, model: dict[str, str]) -> None:
    """Give an agent that was seeded without a real model the one that is there now, unless somebody changed it."""
    named = Query(terms=(Filter("name", "eq", recipe.name),))
    agents = current_aiagents.agents.list(named, principal=recipe.maker.principal).items
    for agent in agents:
        if model != OFFLINE and agent["model_config"] == recipe.data(OFFLINE)["model_config"]:
            current_aiagents.agents.update(agent["id"], {"model_config": model}, principal=recipe.maker.principal)


def api_keys(app: Flask, kept: Mapping[str, str]) -> dict[str, str]:
    """A working API key for each person: the kept one where it still works, otherwise a new one."""
    with app.app_context():
        return {
            person.username: kept[person.username] if _works(app, kept.get(person.username)) else _new_key(person)
            for person in PEOPLE
        }


def _works(app: Flask, token: str | None) -> bool:
    if not token:
        return False
    return app.test_client().get("/api/ai_agents?limit=1", headers={"X-API-Key": token}).status_code == 200


def _new_key(person: Person) -> str:
    operator = Principal("operator", None, Role.SUPER_ADMIN)
    maker = operator.acting_for(person.tenant_id or SHARED)
    data = {"name": f"demo of {person.username}", "user_id": person.username, "role": person.role.value}
    return current_aiagents.keys.create(data, principal=maker).token
