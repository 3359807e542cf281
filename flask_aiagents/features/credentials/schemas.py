"""Provider keys, as clients send and see them: written whole, read as their last four characters."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ...llm.providers import PROVIDERS
from ...web.schema import StrictSchema
from .key_form import KEY_FORM, clean_key


class ProviderKey(fields.String):
    """A provider's API key: blanks around it are dropped, others and control characters are refused."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {"format": "password"})
        super().__init__(load_only=True, validate=validate.Length(8, 4096), **options)

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        if (key := clean_key(super()._deserialize(value, *args, **options))) is None:
            raise ma.ValidationError(f"Not an API key: {KEY_FORM} Copy it again.")
        return key


class CredentialSchema(StrictSchema):
    """A provider key. ``api_key`` is never readable again."""

    id = fields.UUID(dump_only=True)
    api_key = ProviderKey(required=True)
    provider = fields.String(validate=validate.OneOf(sorted(PROVIDERS)))
    base_url = fields.String(
        load_only=True,
        validate=validate.Length(max=1000),
        metadata={"description": "Where the key is for: an origin and a path; the provider's own when left out."},
    )
    origin = fields.String(dump_only=True, metadata={"description": "The only place that the key is sent to."})
    path_prefix = fields.String(
        dump_only=True,
        metadata={"description": "The path below which requests carry the key; empty for the whole origin."},
    )
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
