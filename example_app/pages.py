"""The platform's own pages: a tenant's agents, and a form to ask one."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask_login import login_required

from flask_aiagents import current_aiagents
from flask_aiagents.errors import AIAgentsError

from .login import refuse_foreign_forms

pages = Blueprint("pages", __name__)


@pages.get("/")
@login_required
def home() -> str:
    """The agents that this user can see: the services know who is logged in."""
    return render_template("home.html", agents=current_aiagents.agents.list().items)


@pages.route("/agents/<uuid:agent_id>", methods=["GET", "POST"])
@login_required
def ask(agent_id: UUID) -> str | tuple[str, int]:
    """Ask an agent. Another tenant's agent gives the platform's own 404 page."""
    refuse_foreign_forms()
    agent = current_aiagents.agents.get(agent_id)
    question = request.form.get("question", "")
    if request.method == "GET":
        return render_template("ask.html", agent=agent)
    try:
        answer = current_aiagents.executions.run(agent_id, {"input": question})
    except AIAgentsError as error:
        return render_template("ask.html", agent=agent, question=question, error=error), error.code or 500
    return render_template("ask.html", agent=agent, question=question, answer=answer)
