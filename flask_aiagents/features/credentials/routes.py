"""``/ai_agent_credentials`` and the credential of one agent."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from ...core.installed import installed
from ...web.api import Blueprint, body, created, list_query, no_content, page_response, updated
from ...web.json import json_response
from ..access.gate import enter
from ..access.policy import Permission
from .columns import CREDENTIAL_COLUMNS
from .schemas import CredentialSchema, TenantCredentialSchema
from .service import Credentials

blp = Blueprint("credentials", description="Provider keys, write-only")
blp.before_request(enter)

credentials: Credentials = installed("credentials")


@blp.put("/ai_agents/<uuid:agent_id>/credential")
@blp.documents(200, CredentialSchema, permission=Permission.MANAGE_CREDENTIALS, body=CredentialSchema)
def put_credential(agent_id: UUID) -> Response:
    """Store a provider key for an agent, by default for the base URL that it uses now."""
    return updated(CREDENTIAL_COLUMNS.dump(credentials.put_for_agent(agent_id, body())))


@blp.delete("/ai_agents/<uuid:agent_id>/credential")
@blp.documents(204, permission=Permission.MANAGE_CREDENTIALS, errors=(404,))
def delete_agent_credential(agent_id: UUID) -> Response:
    """Remove the provider keys that this tenant stored for an agent."""
    credentials.delete_for_agent(agent_id)
    return no_content()


@blp.get("/ai_agent_credentials")
@blp.documents(200, CredentialSchema, permission=Permission.MANAGE_CREDENTIALS, query=CREDENTIAL_COLUMNS)
def list_credentials() -> Response:
    """List the tenant's provider keys, masked."""
    return page_response(credentials.list(list_query()))


@blp.post("/ai_agent_credentials")
@blp.documents(201, TenantCredentialSchema, permission=Permission.MANAGE_CREDENTIALS, body=TenantCredentialSchema)
def create_credential() -> Response:
    """Store a provider key for the whole tenant; it replaces one for the same provider, origin and path."""
    credential = credentials.put(body())
    return created(CREDENTIAL_COLUMNS.dump(credential), ".get_credential", credential_id=credential.id)


@blp.get("/ai_agent_credentials/<uuid:credential_id>")
@blp.documents(200, CredentialSchema, permission=Permission.MANAGE_CREDENTIALS, errors=(404,))
def get_credential(credential_id: UUID) -> Response:
    """Read a provider key, masked."""
    return json_response(CREDENTIAL_COLUMNS.dump(credentials.get(credential_id)))


@blp.delete("/ai_agent_credentials/<uuid:credential_id>")
@blp.documents(204, permission=Permission.MANAGE_CREDENTIALS, errors=(404,))
def delete_credential(credential_id: UUID) -> Response:
    """Remove a provider key."""
    credentials.delete(credential_id)
    return no_content()
