"""Figures, as clients see them."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields


class PeriodSchema(ma.Schema):
    """From a time up to, but not including, another."""

    start = fields.AwareDateTime(data_key="from")
    end = fields.AwareDateTime(data_key="to")


class DurationSchema(ma.Schema):
    """Milliseconds; null without any execution that ended."""

    mean = fields.Integer(allow_none=True)
    p95 = fields.Integer(allow_none=True)


class PerformanceSchema(ma.Schema):
    """How an agent did in a period."""

    agent_id = fields.UUID()
    period = fields.Nested(PeriodSchema)
    as_of = fields.AwareDateTime(metadata={"description": "When these figures were taken: they are that fresh."})
    executions = fields.Integer(metadata={"description": "All that ended; running ones are not counted."})
    succeeded = fields.Integer()
    failed = fields.Integer()
    success_rate = fields.Float(allow_none=True, metadata={"description": "0 to 1; null without executions."})
    duration_ms = fields.Nested(DurationSchema)
    tokens_used = fields.Integer()
    input_tokens = fields.Integer()
    output_tokens = fields.Integer()
    cost_usd = fields.Decimal(as_string=True)
    unpriced = fields.Integer(metadata={"description": "Executions without a known price; cost_usd lacks them."})
    last_used_at = fields.AwareDateTime(allow_none=True)
