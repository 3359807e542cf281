"""What an execution is asked and what it answers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ...llm.messages import Message
from ...web.schema import StrictSchema
from ..agents.model_config import ModelConfigSchema
from ..credentials.schemas import ProviderKey

MAX_MESSAGES = 1_000
"""Most messages of one input."""


class MessageSchema(StrictSchema):
    """One turn of a conversation."""

    role = fields.String(required=True, validate=validate.OneOf(["user", "assistant"]))
    content = fields.String(required=True)

    @ma.validates_schema
    def _said(self, data: dict[str, Any], **_: Any) -> None:
        if data["role"] == "user" and not data["content"]:
            raise ma.ValidationError({"content": ["Shorter than minimum length 1."]})

    @ma.post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Message:
        return Message(**data)


_MESSAGE = MessageSchema()


class InputField(fields.Field):
    """A string, or a list of messages that ends with the user's."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> tuple[Message, ...]:
        if isinstance(value, str):
            value = [{"role": "user", "content": value}]
        if not isinstance(value, list) or not 0 < len(value) <= MAX_MESSAGES:
            raise ma.ValidationError(f"Give a string, or a list of 1 to {MAX_MESSAGES} messages.")
        messages: list[Message] = [_MESSAGE.load(item) for item in value]  # pyright: ignore[reportAssignmentType]
        if messages[-1].role != "user":
            raise ma.ValidationError("The last message must be the user's.")
        return tuple(messages)


class ExecuteSchema(StrictSchema):
    """What to ask an agent. Everything else comes from its configuration."""

    input = InputField(
        required=True,
        metadata={
            "oneOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MAX_MESSAGES,
                    "items": {
                        "type": "object",
                        "required": ["role", "content"],
                        "properties": {
                            "role": {"type": "string", "enum": ["user", "assistant"]},
                            "content": {"type": "string", "description": "Empty in answers alone."},
                        },
                    },
                },
            ]
        },
    )


class UsageSchema(ma.Schema):
    """Tokens as the provider counted them."""

    input_tokens = fields.Integer()
    output_tokens = fields.Integer()
    cached_tokens = fields.Integer(metadata={"description": "Part of the input: read from the provider's cache."})
    cache_write_tokens = fields.Integer(metadata={"description": "Part of the input: written into the cache."})
    reasoning_tokens = fields.Integer(metadata={"description": "Part of the output: the model's thinking."})
    total_tokens = fields.Integer()
    service_tier = fields.String(
        allow_none=True, metadata={"description": "What the provider charges by, where not its standard."}
    )
    inconsistent = fields.Boolean(
        metadata={"description": "True when the provider's parts and total differ; the larger reading counts."}
    )


class AttemptSchema(ma.Schema):
    """One request to one provider."""

    provider = fields.String()
    model = fields.String()
    duration_ms = fields.Integer()
    usage = fields.Nested(UsageSchema, allow_none=True)
    cost_usd = fields.Decimal(as_string=True, allow_none=True)
    error = fields.String(allow_none=True)
    estimated = fields.Boolean(metadata={"description": "True when tokens were estimated from a cut stream."})


class ToolCallSchema(ma.Schema):
    """One call of a tool by the model."""

    id = fields.String()
    name = fields.String()
    arguments = fields.Raw(allow_none=True)
    result = fields.Raw(allow_none=True)
    error = fields.String(allow_none=True)
    duration_ms = fields.Integer()


class ExecutionSchema(ma.Schema):
    """How an execution ended."""

    log_id = fields.UUID()
    agent_id = fields.UUID()
    status = fields.String()
    output = fields.Raw(
        allow_none=True, metadata={"description": "Text, or the value that output_schema describes."}
    )
    finish_reason = fields.String(allow_none=True)
    usage = fields.Nested(UsageSchema, allow_none=True)
    cost_usd = fields.Decimal(as_string=True, allow_none=True, metadata={"description": "null: no known price."})
    unpriced = fields.Boolean()
    thinking = fields.String(
        allow_none=True, metadata={"description": "What the model thought, apart from its answer."}
    )
    duration_ms = fields.Integer()
    provider = fields.String(allow_none=True)
    model = fields.String(allow_none=True)
    attempts = fields.List(fields.Nested(AttemptSchema))
    tool_calls = fields.List(fields.Nested(ToolCallSchema))


class ProbeSchema(ModelConfigSchema):
    """What is tested: a model, where it is, and the key to ask with; without one, the stored one."""

    api_key = ProviderKey()
    agent_id = fields.UUID(metadata={"description": "The agent whose stored key may be used."})

    @ma.validates_schema
    def _named(self, data: dict[str, Any], **_: Any) -> None:
        if "provider" not in data and "model" not in data:
            raise ma.ValidationError({"model": ["Missing: name the provider and the model to test."]})

    class Meta(ModelConfigSchema.Meta):
        fields = ("provider", "model", "base_url", "api_key", "agent_id")
        unknown = ma.RAISE
