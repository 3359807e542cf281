"""API keys, as clients send and see them."""

from __future__ import annotations

from datetime import datetime

import marshmallow as ma
from marshmallow import fields, validate

from ...core.clock import utcnow
from ...core.principal import Role
from ...web.schema import StrictSchema


def _without_blanks(text: str) -> None:
    if text != text.strip():
        raise ma.ValidationError("Give an id without blanks around it: no principal has another.")


class ApiKeySchema(StrictSchema):
    """A key without its token."""

    id = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=validate.Length(1, 255))
    role = fields.String(
        validate=validate.OneOf([role.value for role in Role]),
        metadata={"description": "No wider than the maker's; the maker's when left out."},
    )
    user_id = fields.String(
        validate=[validate.Length(1, 255), _without_blanks],
        metadata={"description": "Whom the key acts as; its maker when left out."},
    )
    tenant_id = fields.String(dump_only=True, allow_none=True)
    created_by = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(dump_only=True, allow_none=True)
    revoked_at = fields.AwareDateTime(dump_only=True, allow_none=True)

    @ma.validates("expires_at")
    def _in_the_future(self, value: datetime | None, **_: object) -> None:
        if value is not None and value <= utcnow():
            raise ma.ValidationError("Give a time in the future.")


class NewApiKeySchema(ApiKeySchema):
    """A key just made, with the only sight of its token."""

    token = fields.String(dump_only=True, metadata={"description": "Shown once; keep it."})
