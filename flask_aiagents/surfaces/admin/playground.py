"""The playground: talk to an agent, or to two side by side, with its own parameters or with others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from flask_admin import expose
from marshmallow import fields

from ...errors import NotFound
from ...features.access.policy import Permission
from ...features.agents.models import Status
from ...features.execution.overrides import OVERRIDABLE
from ...types import JSONObject
from ...web.api import body
from ...web.errors import render as json_error
from ...web.filtering import Filter, Query
from ...web.json import json_response
from ...web.schema import StrictSchema, load
from ...web.streaming import event_stream
from .filters import search_terms
from .texts import _, _l
from .view import PanelView

OFFERED = 20
"""Agents offered at once; the search finds the others."""

_SHOWN = ("id", "name", "status", "model_config", "tenant_id")

_FIGURES = ("status", "input_tokens", "output_tokens", "cost_usd", "duration_ms", "provider", "model")

PING_S = 1.0
"""Seconds of silence after which the stream is tried: so that Stop is noticed while the model says nothing."""

LOG_HEADER = "X-AIAgents-Log"
"""The log of the run that an answer streams."""


class RunSchema(StrictSchema):
    """What the page's script asks for."""

    agent = fields.UUID(required=True)
    input = fields.Raw(required=True)
    overrides = fields.Raw(load_default=None, allow_none=True)


_RUN = RunSchema()


class PlaygroundView(PanelView):
    """Chats; what is said stays on the page and in the log of each run."""

    slug = "playground"
    title = _l("Playground")
    icon = "comments-o"
    permission = Permission.EXECUTE_AGENT

    @expose("/")
    def index(self) -> str:
        """The page; ``?agent=`` and ``?compare=`` name who is talked to.

        :raises NotFound: for an agent that the principal cannot see.
        """
        agents = [self._named(name) for name in ("agent", "compare") if name in request.args] or [self._newest()]
        return self.render(
            "aiagents/playground.html", agents=agents, missing=None if any(agents) else self._missing()
        )

    @expose("/agents/")
    def agents(self) -> Response:
        """Agents whose name holds a text, for the page's search."""
        page = self.system.agents.list(
            Query(
                terms=search_terms(request.args.get("q", "")[:90], ("name",)),
                order=(("name", False),),
                select=_SHOWN,
                limit=OFFERED,
            )
        )
        self.names.fetch("tenant", [row["tenant_id"] for row in page.items])
        return json_response(
            {"items": [self._offer(row) for row in page.items], "more": page.next_cursor is not None}
        )

    @expose("/parameters/")
    def parameters(self) -> Response:
        """The parameters that an agent runs with, for those who may try others.

        :raises Forbidden: for everybody else.
        """
        self.system.access.require(Permission.WRITE_CONFIGURATION)
        config = self._effective(_id(request.args.get("agent", "")))
        return json_response({key: config.get(key) for key in OVERRIDABLE})

    @expose("/run/", methods=("POST",))
    def run(self) -> Response:
        """Run an agent and stream what happens; a reader that hangs up cancels the run."""
        asked, log_page = load(_RUN, body()), _log_page()
        stream = self.system.executions.stream(
            asked["agent"],
            {"input": asked["input"]},
            overrides=asked["overrides"],
            ping_s=PING_S,
            principal=self.principal,
        )
        answer = event_stream(_Introduced(stream, f"{log_page}{stream.log_id}"))
        answer.headers[LOG_HEADER] = str(stream.log_id)
        return answer

    @expose("/figures/")
    def figures(self) -> Response:
        """What a run took that the page did not see the end of, because it stopped it or it failed.

        :raises NotFound: for a log that the principal cannot see.
        """
        log = self.system.activity.get(_id(request.args.get("log", "")))
        return json_response({name: getattr(log, name) for name in _FIGURES})

    def may_try(self) -> bool:
        """Whether the principal may run an agent with other parameters than its own."""
        return self.may(Permission.WRITE_CONFIGURATION)

    def _named(self, argument: str) -> JSONObject | None:
        """The agent that an argument of the address names; None for one to be chosen yet."""
        if not (text := request.args[argument]):
            return None
        agent = self.system.agents.get(_id(text))
        return self._offer({name: getattr(agent, name) for name in _SHOWN})

    def _newest(self) -> JSONObject | None:
        """The newest agent that runs, to begin with."""
        active = Filter("status", "eq", Status.ACTIVE.value)
        page = self.system.agents.list(
            Query(terms=(active,), order=(("created_at", True),), select=_SHOWN, limit=1)
        )
        return self._offer(page.items[0]) if page.items else None

    def _missing(self) -> str | None:
        """Why nobody can be talked to: there is no agent (``none``), or no active one (``inactive``)."""
        if self._newest():
            return None
        return "inactive" if self.system.agents.list(Query(select=("id",), limit=1)).items else "none"

    def _offer(self, row: JSONObject) -> JSONObject:
        """An agent as the page's script knows it."""
        principal, config, status = self.principal, row["model_config"], row["status"]
        refused = _("%(status)s: only an active agent runs", status=_(status))
        wide = principal.is_super_admin and not principal.acting
        tenant = self.names.label("tenant", row["tenant_id"]) if row["tenant_id"] else _("shared")
        return {
            "id": str(row["id"]),
            "name": row["name"],
            "about": " / ".join(filter(None, map(config.get, ("provider", "model"))))
            or _("no model") + (f" · {tenant}" if wide else ""),
            "refused": None if status == Status.ACTIVE.value else refused,
        }

    def _effective(self, agent_id: UUID) -> JSONObject:
        agent = self.system.agents.get(agent_id)
        if self.principal.tenant_id is None:
            return agent.model_config
        try:
            return self.system.configurations.get(agent_id)[1]
        except NotFound:  # the agent is there, so it is the configuration that is not
            return agent.model_config

    def _failed(self, error: Exception) -> Response:
        """Errors for the page's script are JSON, with message and hint."""
        is_page = request.endpoint is None or request.endpoint.endswith(".index")
        return super()._failed(error) if is_page else json_error(error)


class _Introduced:
    """A stream that says at once which log it has: so the page knows it even of a run that it stops early."""

    def __init__(self, stream: Any, url: str) -> None:
        self._stream = stream
        self._url = url

    def __iter__(self) -> Iterator[tuple[str, JSONObject] | None]:
        yield "log", {"log_id": self._stream.log_id, "url": self._url}
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


def _log_page() -> str:
    """The address of a log's page, up to the log's id."""
    return url_for("aiagents_panel_activity.details_view", id="")


def _id(text: str) -> UUID:
    """An id out of the address.

    :raises NotFound: for what is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(_("There is no such entry."), hint=_("Choose one from the list.")) from None
