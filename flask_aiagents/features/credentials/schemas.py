"""Provider keys, as clients send and see them: written whole, read as their last four characters."""

from __future__ import annotations

from marshmallow import fields, validate

from ...llm.models import PROVIDERS
from ...web.schema import StrictSchema


class CredentialSchema(StrictSchema):
    """A provider key. ``api_key`` is never readable again."""

    id = fields.UUID(dump_only=True)
    api_key = fields.String(
        required=True, load_only=True, validate=validate.Length(8, 4096), metadata={"format": "password"}
    )
    provider = fields.String(validate=validate.OneOf(sorted(PROVIDERS)))
    base_url = fields.String(
        load_only=True,
        validate=validate.Length(max=1000),
        metadata={"description": "Where the key is for; the provider's own origin when left out."},
    )
    origin = fields.String(dump_only=True, metadata={"description": "The only place that the key is sent to."})
    masked = fields.String(dump_only=True, metadata={"description": "The last four characters."})
    agent_id = fields.UUID(
        dump_only=True, allow_none=True, metadata={"description": "null: for the whole tenant."}
    )
    tenant_id = fields.String(dump_only=True, allow_none=True)
    created_by = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)


class TenantCredentialSchema(CredentialSchema):
    """A provider key of a whole tenant, which names its provider."""

    provider = fields.String(required=True, validate=validate.OneOf(sorted(PROVIDERS)))
