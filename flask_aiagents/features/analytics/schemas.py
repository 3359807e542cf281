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


class SpreadSchema(DurationSchema):
    """Milliseconds; null without any execution that ended. Percentiles are within 5% of the true value."""

    p50 = fields.Integer(allow_none=True)
    p99 = fields.Integer(allow_none=True)


def _rate() -> fields.Float:
    return fields.Float(allow_none=True, metadata={"description": "0 to 1; null without executions."})


class ShareSchema(ma.Schema):
    """The part that has one source, which the other fields contain."""

    executions = fields.Integer()
    tokens_used = fields.Integer()
    cost_usd = fields.Decimal(as_string=True)


class ErrorShareSchema(ma.Schema):
    """The part that clients reported, which the other fields contain."""

    executions = fields.Integer()


def _client_reported() -> fields.Nested:
    return fields.Nested(ShareSchema, metadata={"description": "The part that clients reported."})


def _unknown_source() -> fields.Nested:
    return fields.Nested(
        ShareSchema, metadata={"description": "The part that was counted before sources were told apart."}
    )


class BriefSchema(ma.Schema):
    """The figures of one line of a table, or of one point of a chart."""

    executions = fields.Integer(metadata={"description": "All that ended; running ones are not counted."})
    succeeded = fields.Integer()
    failed = fields.Integer()
    success_rate = _rate()
    tokens_used = fields.Integer()
    cost_usd = fields.Decimal(as_string=True)
    unpriced = fields.Integer(metadata={"description": "Executions without a known price; cost_usd lacks them."})
    client_reported = _client_reported()


class FullSchema(BriefSchema):
    """The figures of a period."""

    input_tokens = fields.Integer()
    output_tokens = fields.Integer()
    duration_ms = fields.Nested(SpreadSchema)
    errors = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "The 50 most frequent kinds."}
    )
    unknown_source = _unknown_source()


class AnswerSchema(ma.Schema):
    """What every answer says of itself."""

    period = fields.Nested(PeriodSchema)
    as_of = fields.AwareDateTime(metadata={"description": "When these figures were taken: they are that fresh."})


class SummarySchema(AnswerSchema, FullSchema):
    """The figures of a period, and of the one before it that is as long."""

    previous = fields.Nested(FullSchema)


class StepSchema(BriefSchema):
    """The figures of one step; the first may begin before the period does, and has what is in both."""

    start = fields.AwareDateTime()
    p50_ms = fields.Integer(allow_none=True)
    p95_ms = fields.Integer(allow_none=True)


class TimeseriesSchema(AnswerSchema):
    """The figures of a period step by step, also of steps in which nothing ran."""

    step = fields.String()
    zone = fields.String()
    steps = fields.List(fields.Nested(StepSchema))


class UsageRowSchema(BriefSchema):
    """The figures of one agent, user, tenant, model, provider or action."""

    key = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    p50_ms = fields.Integer(allow_none=True)
    p95_ms = fields.Integer(allow_none=True)


class UsageTableSchema(AnswerSchema):
    """Who or what ran most, the most executions first."""

    by = fields.String()
    rows = fields.List(fields.Nested(UsageRowSchema))


class SpentSchema(ma.Schema):
    """What one agent or model cost."""

    key = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    executions = fields.Integer()
    unpriced = fields.Integer(metadata={"description": "Executions without a known price; cost_usd lacks them."})
    tokens_used = fields.Integer()
    input_tokens = fields.Integer()
    output_tokens = fields.Integer()
    cost_usd = fields.Decimal(as_string=True)
    share = fields.Float(allow_none=True, metadata={"description": "0 to 1, of the whole cost."})
    client_reported = _client_reported()


class UnpricedSchema(ma.Schema):
    """A model without a known price."""

    provider = fields.String(allow_none=True)
    model = fields.String(allow_none=True)
    executions = fields.Integer(metadata={"description": "Without a price."})
    tokens_used = fields.Integer(allow_none=True, metadata={"description": "Null where others had a price."})


class ProjectionSchema(ma.Schema):
    """What the month that is will come to."""

    month = fields.String(metadata={"description": "As in `2026-01`, in the zone that was asked for."})
    spent_usd = fields.Decimal(as_string=True)
    projected_usd = fields.Decimal(
        as_string=True,
        allow_none=True,
        metadata={"description": "With the mean of the last seven whole days in each day left; null without any."},
    )
    from_days = fields.Integer()


class CostSchema(ma.Schema):
    """A sum of the known costs."""

    cost_usd = fields.Decimal(as_string=True)


class CostsSchema(AnswerSchema, CostSchema):
    """What a period cost, the dearest first."""

    by_model = fields.List(fields.Nested(SpentSchema))
    by_agent = fields.List(fields.Nested(SpentSchema))
    unpriced = fields.List(fields.Nested(UnpricedSchema))
    projection = fields.Nested(ProjectionSchema)
    previous = fields.Nested(CostSchema)
    client_reported = _client_reported()
    unknown_source = _unknown_source()


class ErrorRowSchema(ma.Schema):
    """One kind of error."""

    error = fields.String()
    status = fields.String()
    executions = fields.Integer()
    agents = fields.Integer(metadata={"description": "How many agents it happened to."})
    last_at = fields.AwareDateTime()
    example_log_id = fields.UUID(allow_none=True, metadata={"description": "The log of the last case."})
    client_reported = fields.Nested(ErrorShareSchema)


class ErrorsSchema(AnswerSchema):
    """The kinds of errors, the most frequent first."""

    rows = fields.List(fields.Nested(ErrorRowSchema))


class PerformanceSchema(ma.Schema):
    """How an agent did in a period."""

    agent_id = fields.UUID()
    period = fields.Nested(PeriodSchema)
    as_of = fields.AwareDateTime(metadata={"description": "When these figures were taken: they are that fresh."})
    executions = fields.Integer(metadata={"description": "All that ended; running ones are not counted."})
    succeeded = fields.Integer()
    failed = fields.Integer()
    success_rate = _rate()
    duration_ms = fields.Nested(DurationSchema)
    tokens_used = fields.Integer()
    input_tokens = fields.Integer()
    output_tokens = fields.Integer()
    cost_usd = fields.Decimal(as_string=True)
    unpriced = fields.Integer(metadata={"description": "Executions without a known price; cost_usd lacks them."})
    last_used_at = fields.AwareDateTime(allow_none=True)
    client_reported = _client_reported()
    unknown_source = _unknown_source()
