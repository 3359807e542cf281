"""What an agent and a configuration may be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ...config import AGENT_TYPES, CAPABILITIES, Settings
from ...web.schema import StrictSchema
from .model_config import ModelConfigSchema
from .models import NAME_LENGTH, Status


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The closed lists that agents are checked against, with what the host added to them."""

    settings: Settings = field(default_factory=Settings)
    tool_names: Callable[[], Collection[str]] = tuple

    @property
    def agent_types(self) -> list[str]:
        return sorted({*AGENT_TYPES, *self.settings.agent_types})

    @property
    def capabilities(self) -> list[str]:
        return sorted({*CAPABILITIES, *self.settings.capabilities})


class AgentSchema(StrictSchema):
    """An agent, as clients send and see it."""

    id = fields.UUID(dump_only=True)
    name = fields.String(
        required=True,
        validate=[
            validate.Length(max=NAME_LENGTH),
            validate.Regexp(r".*\S", error="Give a name that is not blank."),
        ],
        metadata={"description": "Unique within the tenant, whatever the case."},
    )
    description = fields.String(load_default="", validate=validate.Length(max=10_000))
    agent_type = fields.String(load_default="assistant", metadata={"description": "One of the known agent types."})
    capabilities = fields.List(fields.String(), load_default=list, validate=validate.Length(max=100))
    model_config = fields.Nested(
        ModelConfigSchema,
        load_default=dict,
        metadata={"description": "Without a model: the default one, or else the agent stays inactive."},
    )
    status = fields.String(
        load_default=Status.ACTIVE.value, validate=validate.OneOf([status.value for status in Status])
    )
    status_set_by_admin = fields.Boolean(
        dump_only=True,
        metadata={"description": "True when an admin set the status; the agent's author may not change it then."},
    )
    log_payload_kb = fields.Integer(
        strict=True,
        validate=validate.Range(0, 64),
        metadata={
            "description": "KB that its logs keep of each request and answer: 0 for none, 64 for all that they "
            "can hold. A new agent has 64 where it is left out; a PUT without it keeps what the agent has."
        },
    )
    performance_metrics = fields.Dict(
        dump_only=True,
        allow_none=True,
        metadata={
            "description": "Figures of all who ran it, some minutes old; null unless you may read the whole "
            "tenant's, and of a shared agent for all but the operator."
        },
    )
    warnings = fields.List(
        fields.String(),
        dump_only=True,
        metadata={"description": "In answers to changes: what keeps the agent from doing what it says."},
    )
    tenant_id = fields.String(dump_only=True, allow_none=True, metadata={"description": "null: shared by all."})
    created_by = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)
    version = fields.Integer(dump_only=True, metadata={"description": "The ETag."})

    def __init__(self, *, catalogue: Catalogue | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.catalogue = catalogue or Catalogue()
        config = self.fields["model_config"]
        assert isinstance(config, fields.Nested)  # noqa: S101  # for the type checker
        config.schema.catalogue = self.catalogue  # pyright: ignore[reportAttributeAccessIssue]

    @ma.validates("agent_type")
    def _known_type(self, value: str, **_: Any) -> None:
        _one_of(value, self.catalogue.agent_types, "AIAGENTS_AGENT_TYPES")

    @ma.validates("capabilities")
    def _known_capabilities(self, value: list[str], **_: Any) -> None:
        for capability in value:
            _one_of(capability, self.catalogue.capabilities, "AIAGENTS_CAPABILITIES")
        if len(set(value)) < len(value):
            raise ma.ValidationError("A capability is listed twice; list each once.")


class AgentPatchSchema(AgentSchema):
    """What changes of an agent; ``model_config`` is merged at every depth (RFC 7396), null removes a key."""

    model_config = fields.Nested(lambda: ModelConfigSchema(partial=True))


class ConfigurationSchema(StrictSchema):
    """A tenant's overrides of an agent."""

    id = fields.UUID(dump_only=True)
    agent_id = fields.UUID(dump_only=True)
    tenant_id = fields.String(dump_only=True)
    configuration = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "Keys of model_config that replace the agent's; null takes a key away."},
    )
    is_active = fields.Boolean(load_default=True)
    effective = fields.Dict(
        dump_only=True, metadata={"description": "The agent's model_config with these overrides applied."}
    )
    created_at = fields.AwareDateTime(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)


def _one_of(value: str, known: list[str], setting: str) -> None:
    if value not in known:
        raise ma.ValidationError(f"{value!r} is not known; use one of {', '.join(known)}, or extend {setting}.")
