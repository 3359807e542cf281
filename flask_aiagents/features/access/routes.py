"""``/ai_agent_api_keys``."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from ...core.installed import installed
from ...web.api import Blueprint, body, created, list_query, no_content, page_response
from ...web.json import json_response
from .columns import COLUMNS
from .gate import enter
from .keys import ApiKeys
from .policy import Permission
from .schemas import ApiKeySchema, NewApiKeySchema

blp = Blueprint("keys", description="API keys for machine clients")
blp.before_request(enter)

keys: ApiKeys = installed("keys")


@blp.get("/ai_agent_api_keys")
@blp.documents(200, ApiKeySchema, permission=Permission.MANAGE_KEYS, query=COLUMNS)
def list_keys() -> Response:
    """List the tenant's keys, without their tokens."""
    return page_response(keys.list(list_query()))


@blp.post("/ai_agent_api_keys")
@blp.documents(201, NewApiKeySchema, permission=Permission.MANAGE_KEYS, body=ApiKeySchema)
def create_key() -> Response:
    """Create a key; this answer is the only sight of its token."""
    new = keys.create(body())
    return created(COLUMNS.dump(new.key) | {"token": new.token}, ".get_key", key_id=new.key.id)


@blp.get("/ai_agent_api_keys/<uuid:key_id>")
@blp.documents(200, ApiKeySchema, permission=Permission.MANAGE_KEYS, errors=(404,))
def get_key(key_id: UUID) -> Response:
    """Read a key, without its token."""
    return json_response(COLUMNS.dump(keys.get(key_id)))


@blp.delete("/ai_agent_api_keys/<uuid:key_id>")
@blp.documents(204, permission=Permission.MANAGE_KEYS, errors=(404,))
def revoke_key(key_id: UUID) -> Response:
    """Revoke a key for good."""
    keys.revoke(key_id)
    return no_content()
