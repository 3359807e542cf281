"""A host with a plain engine and plain Alembic: notes of a team, and agents to ask about them."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask, request, session
from notes_models import Note
from sqlalchemy.orm import Session

from flask_aiagents import AIAgents, Principal, Role


def who() -> Principal | None:
    """The team member of this session; the first of each team is its admin."""
    if "name" not in session:
        return None
    return Principal(session["name"], session["team"], Role(session["role"]))


def create_app(database_uri: str) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="notes", TESTING=True)
    engine = sa.create_engine(database_uri)
    AIAgents(app, engine, identity=who)

    @app.post("/login")
    def log_in() -> dict[str, str]:
        session.update(request.form.to_dict())
        return {}

    @app.get("/notes")
    def notes() -> list[str]:
        with Session(engine) as database:
            query = sa.select(Note.text).where(Note.team == session["team"]).order_by(Note.id)
            return list(database.scalars(query))

    @app.post("/notes")
    def add_note() -> tuple[dict[str, int], int]:
        with Session(engine) as database:
            database.add(note := Note(team=session["team"], text=request.form["text"]))
            database.commit()
            return {"id": note.id}, 201

    return app
