"""``model_config``: which model an agent asks, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import marshmallow as ma
from marshmallow import fields, validate

from ...errors import AIAgentsError
from ...llm.json_schema import compile_schema
from ...llm.prices import max_output_tokens
from ...llm.providers import CHAT_PARAMETERS, PARAMETERS, PROVIDERS, RESPONSES_PARAMETERS
from ...llm.schema_engine import InvalidSchema
from ...llm.text import dump_json
from ...net.guard import check_base_url
from ...web.schema import StrictSchema

if TYPE_CHECKING:
    from .schemas import Catalogue

MAX_TIMEOUT_S = 600
"""Longest ``timeout_s`` that an agent may ask for."""

REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")

EXTRA_FIELDS = (
    *("chat_template_kwargs", "enable_thinking", "logit_bias", "min_p", "prompt_cache_key", "reasoning"),
    *("repetition_penalty", "safe_prompt", "service_tier", "thinking", "thinking_budget", "top_a", "top_k"),
    *("typical_p", "verbosity"),
)
"""Fields of ``extra_body``: those that steer the model, and none that store, send elsewhere or replace ours."""

MAX_EXTRA_BYTES = 16_384
"""Largest ``extra_body``, as JSON."""

_SECONDS = validate.Range(0, MAX_TIMEOUT_S, min_inclusive=False)
_PROVIDER = validate.OneOf(sorted(PROVIDERS), error="Unknown provider {input}; use one of {choices}.")
_PLACED = validate.OneOf(
    sorted(name for name, one in PROVIDERS.items() if one.place(None) or one.adapter is None),
    error="{input} cannot be a fallback; use one of {choices}.",
)
_MODEL = validate.Length(min=1, max=255)


class FallbackSchema(StrictSchema):
    """A model to try when the ones before it failed; it is reached at its provider's own origin."""

    provider = fields.String(required=True, validate=_PLACED)
    model = fields.String(required=True, validate=_MODEL)


class ModelConfigSchema(StrictSchema):
    """Which model to ask, and how. Defaults are the provider's."""

    provider = fields.String(validate=_PROVIDER, metadata={"description": "Goes with model: both or neither."})
    model = fields.String(validate=_MODEL)
    system_prompt = fields.String(validate=validate.Length(max=100_000))
    temperature = fields.Float(validate=validate.Range(0, 2))
    max_tokens = fields.Integer(strict=True, validate=validate.Range(1))
    top_p = fields.Float(validate=validate.Range(0, 1))
    stop = fields.List(fields.String(validate=validate.Length(1, 200)), validate=validate.Length(max=16))
    timeout_s = fields.Float(validate=_SECONDS)
    base_url = fields.String(
        validate=validate.Length(max=1000), metadata={"description": "A gateway in front of the provider."}
    )
    first_byte_timeout_s = fields.Float(validate=_SECONDS)
    idle_timeout_s = fields.Float(validate=_SECONDS)
    seed = fields.Integer(strict=True, validate=validate.Range(0, 2**31 - 1))
    presence_penalty = fields.Float(validate=validate.Range(-2, 2))
    frequency_penalty = fields.Float(validate=validate.Range(-2, 2))
    reasoning_effort = fields.String(validate=validate.OneOf(REASONING_EFFORTS))
    parallel_tool_calls = fields.Boolean(truthy={True}, falsy={False})
    tool_choice = fields.String(
        validate=validate.Length(1, 64), metadata={"description": "auto, none, required, or a tool of the agent."}
    )
    extra_body = fields.Dict(
        keys=fields.String(validate=validate.OneOf(EXTRA_FIELDS, error="{input} is none of: {choices}.")),
        metadata={"description": "Further fields of the provider's request."},
    )
    output_retries = fields.Integer(strict=True, validate=validate.Range(0, 3))
    api = fields.String(
        validate=validate.OneOf(["chat", "responses"]), metadata={"description": "Which of OpenAI's protocols."}
    )
    api_version = fields.String(
        validate=validate.Regexp(r"[0-9A-Za-z.-]{1,32}\Z"),
        metadata={"description": "Azure's, such as 2024-10-21."},
    )
    tools = fields.List(fields.String(), validate=validate.Length(max=64))
    output_schema = fields.Dict(metadata={"description": "JSON Schema of the output."})
    fallbacks = fields.List(fields.Nested(FallbackSchema), validate=validate.Length(max=5))

    catalogue: Catalogue | None = None

    @ma.validates("base_url")
    def _reachable(self, value: str, **_: Any) -> None:
        try:
            check_base_url(value, self.catalogue.settings.allowed_hosts if self.catalogue else ())
        except AIAgentsError as error:
            raise ma.ValidationError(str(error)) from error

    @ma.validates("tools")
    def _registered(self, value: list[str], **_: Any) -> None:
        known = sorted(self.catalogue.tool_names()) if self.catalogue else []
        for name in value:
            if name not in known:
                raise ma.ValidationError(
                    f"No tool {name!r} is registered; the known ones are: {', '.join(known) or 'none'}."
                )

    @ma.validates("output_schema")
    def _valid_schema(self, value: dict[str, Any], **_: Any) -> None:
        try:
            compile_schema(value)
        except InvalidSchema as error:
            raise ma.ValidationError(f"{error}.") from error

    @ma.validates("extra_body")
    def _bounded(self, value: dict[str, Any], **_: Any) -> None:
        if len(dump_json(value)) > MAX_EXTRA_BYTES:
            raise ma.ValidationError(f"Longer than {MAX_EXTRA_BYTES} bytes of JSON.")

    @ma.validates_schema
    def _complete(self, data: dict[str, Any], **_: Any) -> None:
        for missing, given in (("model", "provider"), ("provider", "model")):
            if given in data and missing not in data:
                raise ma.ValidationError(f"Missing: {given} needs it. Set both, or neither.", missing)
        limit = max_output_tokens(data.get("provider", ""), data.get("model", ""))
        if limit is not None and data.get("max_tokens", 0) > limit:
            raise ma.ValidationError(f"{data['model']} writes at most {limit} tokens.", "max_tokens")
        self._fitting(data)

    def _fitting(self, data: dict[str, Any]) -> None:
        """Refuse what the provider or the agent's tools do not have."""
        if (provider := PROVIDERS.get(data.get("provider", ""))) is None:
            return
        if provider.place(data.get("base_url")) is None and provider.adapter:
            raise ma.ValidationError(f"{provider.name} needs the URL of its server.", "base_url")
        known = provider.parameters
        if data.get("api") == "responses" and "api" in known:
            known = RESPONSES_PARAMETERS | (known - CHAT_PARAMETERS)
        for key in sorted(PARAMETERS.intersection(data) - known):
            raise ma.ValidationError(f"{provider.name} has no {key}. Take it out.", key)
        named = data.get("tool_choice", "auto")
        if named not in ("auto", "none", "required", *data.get("tools", ())):
            raise ma.ValidationError(
                f"{named!r} is no tool of the agent. Use auto, none, required or a name in tools.", "tool_choice"
            )


def overlay(config: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """A model configuration with a tenant's overrides applied; null takes a key away.

    An override of the provider leaves behind where it is reached: that belongs to the provider that it replaces.
    """
    left = ("base_url", "api", "api_version") if "provider" in overrides else ()
    inherited = {key: value for key, value in config.items() if key not in left}
    return {key: value for key, value in (inherited | overrides).items() if value is not None}
