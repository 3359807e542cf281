"""Activity logs, as clients send and see them."""

from __future__ import annotations

import re
from decimal import Decimal

from marshmallow import fields, validate

from ...actions import SYSTEM_ACTIONS
from ...core.columns import MOST_USD
from ...web.schema import StrictSchema
from .models import LogStatus

ENDED = [status.value for status in LogStatus if status is not LogStatus.RUNNING]
"""The statuses of what is over; a client records nothing that still runs."""

MOST = 2**53
"""The largest count that every JSON reader understands exactly."""

ACTION = re.compile(r"[a-z][a-z0-9_.:-]{0,63}\Z")
"""What the name of an action may be."""

COUNTS = ("duration_ms", "tokens_used", "input_tokens", "output_tokens", "cached_tokens")
TEXTS = {"provider": 64, "model": 255, "finish_reason": 64, "error": 64}
"""Fields that hold a count, and the words with their longest lengths."""

_COUNT = validate.Range(0, MOST)


def _word(name: str) -> fields.String:
    return fields.String(allow_none=True, validate=validate.Length(max=TEXTS[name]))


def _count() -> fields.Integer:
    return fields.Integer(strict=True, allow_none=True, validate=_COUNT)


class ActivityLogSchema(StrictSchema):
    """One action. What a client may say of its own activity; everything else is set by the system."""

    id = fields.UUID(dump_only=True)
    agent_id = fields.UUID(allow_none=True)
    agent_name = fields.String(dump_only=True, allow_none=True)
    user_id = fields.String(dump_only=True)
    tenant_id = fields.String(dump_only=True, allow_none=True)
    action = fields.String(
        required=True,
        validate=[
            validate.Regexp(ACTION, error="Write it in a-z, 0-9 and _.:-, up to 64 of them, a letter first."),
            validate.NoneOf(SYSTEM_ACTIONS, error="Only the system records {input}; use an action of your own."),
        ],
    )
    source = fields.String(dump_only=True, metadata={"description": "`client` for posted ones."})
    request_data = fields.Raw(allow_none=True)
    response_data = fields.Raw(allow_none=True)
    duration_ms = _count()
    tokens_used = _count()
    input_tokens = _count()
    output_tokens = _count()
    cached_tokens = _count()
    provider = _word("provider")
    model = _word("model")
    cost_usd = fields.Decimal(
        places=12, as_string=True, allow_none=True, validate=validate.Range(Decimal(0), MOST_USD)
    )
    unpriced = fields.Boolean(dump_only=True)
    attempts = fields.Raw(dump_only=True, allow_none=True)
    finish_reason = _word("finish_reason")
    status = fields.String(load_default=LogStatus.SUCCESS.value, validate=validate.OneOf(ENDED))
    error = _word("error")
    created_at = fields.AwareDateTime(dump_only=True)


class RecordedSchema(StrictSchema):
    """What became of an array of which the good ones were to be kept."""

    items = fields.List(
        fields.Nested(ActivityLogSchema),
        metadata={"description": "The logs that were kept, in their order; absent for `return=minimal`."},
    )
    refused = fields.List(fields.Integer(), required=True, metadata={"description": "The numbers of the others."})
    errors = fields.Dict(
        fields.String(),
        fields.Dict(),
        required=True,
        metadata={"description": "Of the first 100 of these: number, field, messages."},
    )
