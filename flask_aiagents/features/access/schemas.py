"""API keys, as clients send and see them."""

from __future__ import annotations

from datetime import UTC, datetime

import marshmallow as ma
from marshmallow import fields, validate

from ...core.clock import utcnow
from ...core.principal import Role
from ...web.schema import StrictSchema
from .policy import Permission

MAX_AGENTS = 100
"""Most agents that a key can be limited to: each of its queries names them all."""


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
    permissions = fields.List(
        fields.String(validate=validate.OneOf([permission.slug for permission in Permission])),
        allow_none=True,
        validate=validate.Length(1, len(Permission)),
        metadata={
            "description": "What the key may do: permissions of its role that its maker has, and report_usage if "
            "its maker has that. null: all of its role's, or its maker's when that is a limited key."
        },
    )
    agent_ids = fields.List(
        fields.UUID(),
        allow_none=True,
        validate=validate.Length(1, MAX_AGENTS),
        metadata={
            "description": "The agents that the key sees and acts on. null: all agents, or its maker's when that "
            "is a limited key."
        },
    )
    user_id = fields.String(
        validate=[validate.Length(1, 255), _without_blanks],
        metadata={"description": "Whom the key acts as; its maker when left out."},
    )
    tenant_id = fields.String(dump_only=True, allow_none=True)
    created_by = fields.String(dump_only=True)
    made_by_key_id = fields.UUID(
        dump_only=True,
        allow_none=True,
        metadata={"description": "The key that made it; null: a login. Revoking that key revokes this one."},
    )
    created_at = fields.AwareDateTime(dump_only=True)
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(dump_only=True, allow_none=True)
    revoked_at = fields.AwareDateTime(dump_only=True, allow_none=True)

    @ma.validates("expires_at")
    def _in_the_future(self, value: datetime | None, **_: object) -> None:
        try:
            in_future = value is None or value.astimezone(UTC) > utcnow()
        except OverflowError:
            raise ma.ValidationError("Give a time before the year 10000 in UTC.") from None
        if not in_future:
            raise ma.ValidationError("Give a time in the future.")


class NewApiKeySchema(ApiKeySchema):
    """A key just made, with the only sight of its token."""

    token = fields.String(dump_only=True, metadata={"description": "Shown once; keep it."})
