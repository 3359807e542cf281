"""``/ai_agents`` and their configurations."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from ...core.installed import installed
from ...errors import Invalid
from ...types import JSONObject
from ...web.api import Blueprint, body, created, etag, if_match, list_query, no_content, page_response, updated
from ...web.json import json_response
from ...web.openapi import IF_MATCH
from ..access.gate import enter
from ..access.policy import Permission
from .columns import AGENT_COLUMNS, CONFIGURATION_COLUMNS
from .configurations import Configurations
from .default_model import warnings_of
from .models import Agent, AgentConfiguration
from .schemas import AgentPatchSchema, AgentSchema, ConfigurationSchema
from .service import Agents

MAX_BATCH = 500
"""Most agents that one request makes."""

blp = Blueprint("agents", description="Agents and their tenants' configurations")
blp.before_request(enter)

agents: Agents = installed("agents")
configurations: Configurations = installed("configurations")


@blp.get("/ai_agents")
@blp.documents(200, AgentSchema, permission=Permission.READ_AGENTS, query=AGENT_COLUMNS)
def list_agents() -> Response:
    """List agents, the tenant's own and the shared ones."""
    return page_response(agents.list(list_query()))


@blp.post("/ai_agents")
@blp.documents(201, AgentSchema, permission=Permission.CREATE_AGENT, body=AgentSchema, or_array=True)
def create_agents() -> Response:
    """Create one agent, or an array of them: all or none."""
    data = body()
    if isinstance(data, list):
        if not 0 < len(data) <= MAX_BATCH:
            raise Invalid(f"Send 1 to {MAX_BATCH} agents at once.")
        return created([_with_warnings(agent) for agent in agents.create_many(data)], "")
    agent = agents.create(data)
    response = created(_with_warnings(agent), ".get_agent", agent_id=agent.id)
    response.headers.update(etag(agent.version))
    return response


@blp.get("/ai_agents/<uuid:agent_id>")
@blp.documents(200, AgentSchema, permission=Permission.READ_AGENTS, errors=(404,))
def get_agent(agent_id: UUID) -> Response:
    """Read an agent."""
    agent = agents.get(agent_id)
    return json_response(AGENT_COLUMNS.dump(agent), 200, etag(agent.version))


@blp.put("/ai_agents/<uuid:agent_id>")
@blp.documents(
    200, AgentSchema, permission=Permission.UPDATE_AGENT, body=AgentSchema, parameters=[IF_MATCH], errors=(412,)
)
def replace_agent(agent_id: UUID) -> Response:
    """Set every field; those left out go back to their defaults, but log_payload_kb stays."""
    return _changed(agents.replace(agent_id, body(), if_match=if_match(request)))


@blp.patch("/ai_agents/<uuid:agent_id>")
@blp.documents(
    200,
    AgentSchema,
    permission=Permission.UPDATE_AGENT,
    body=AgentPatchSchema(partial=True),
    parameters=[IF_MATCH],
    errors=(412,),
)
def update_agent(agent_id: UUID) -> Response:
    """Change the named fields; model_config is merged at every depth (RFC 7396), null removes a key."""
    return _changed(agents.update(agent_id, body(), if_match=if_match(request)))


@blp.delete("/ai_agents/<uuid:agent_id>")
@blp.documents(204, permission=Permission.DELETE_AGENT, parameters=[IF_MATCH], errors=(404, 412))
def delete_agent(agent_id: UUID) -> Response:
    """Delete an agent with its configurations and credentials; its logs stay."""
    agents.delete(agent_id, if_match=if_match(request))
    return no_content()


@blp.get("/ai_agents/<uuid:agent_id>/configuration")
@blp.documents(200, ConfigurationSchema, permission=Permission.READ_CONFIGURATION, errors=(404, 422))
def get_configuration(agent_id: UUID) -> Response:
    """Read this tenant's overrides, and what they make of the agent."""
    return json_response(_configuration(*configurations.get(agent_id)))


@blp.put("/ai_agents/<uuid:agent_id>/configuration")
@blp.documents(200, ConfigurationSchema, permission=Permission.WRITE_CONFIGURATION, body=ConfigurationSchema)
def put_configuration(agent_id: UUID) -> Response:
    """Set this tenant's overrides of an agent."""
    return updated(_configuration(*configurations.put(agent_id, body())))


@blp.delete("/ai_agents/<uuid:agent_id>/configuration")
@blp.documents(204, permission=Permission.WRITE_CONFIGURATION, errors=(404, 422))
def delete_configuration(agent_id: UUID) -> Response:
    """Take this tenant's overrides away."""
    configurations.delete(agent_id)
    return no_content()


@blp.get("/ai_agent_configurations")
@blp.documents(200, ConfigurationSchema, permission=Permission.READ_CONFIGURATION, query=CONFIGURATION_COLUMNS)
def list_configurations() -> Response:
    """List the tenant's configurations."""
    return page_response(configurations.list(list_query()))


def _changed(agent: Agent) -> Response:
    return updated(_with_warnings(agent), etag(agent.version))


def _with_warnings(agent: Agent) -> JSONObject:
    warnings = warnings_of(agent)
    return AGENT_COLUMNS.dump(agent) | ({"warnings": warnings} if warnings else {})


def _configuration(found: AgentConfiguration, effective: JSONObject) -> JSONObject:
    return CONFIGURATION_COLUMNS.dump(found) | {"effective": effective}
