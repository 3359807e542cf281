"""The form of an agent, from its values and back to what the services take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from wtforms import BooleanField, HiddenField

from ...errors import AIAgentsError
from ...features.agents.model_config import overlay
from ...features.agents.models import Agent, AgentConfiguration, Status
from ...types import JSONObject
from .agent_fields import (
    FallbacksField,
    JsonField,
    LinesField,
    NumberField,
    ProseField,
    SecretField,
    TextField,
    WordsField,
)
from .forms import PanelForm
from .texts import _, _l

MODEL_FIELDS = (
    *("provider", "model", "base_url", "system_prompt", "temperature", "top_p", "max_tokens", "timeout_s"),
    *("stop", "tools", "output_schema", "fallbacks"),
)
"""Fields that are keys of ``model_config``."""

TESTED = ("provider", "model", "base_url")
"""What of them a test of the key takes."""

DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
CODE = {"spellcheck": "false", "autocomplete": "off", "rows": 6}


class AgentForm(PanelForm):
    """Everything about an agent, its own key and the tenant's configuration of it."""

    paths: ClassVar[Mapping[str, str]] = {name: f"model_config.{name}" for name in MODEL_FIELDS}

    version = HiddenField()
    name = TextField(_l("Name"), render_kw={"maxlength": 200, "required": True, "autocomplete": "off"})
    description = ProseField(_l("Description"), render_kw={"rows": 2})
    agent_type = TextField(_l("Type"), default="assistant")
    status = TextField(_l("Status"), default=Status.ACTIVE.value)
    capabilities = WordsField(_l("Capabilities"))

    provider = TextField(_l("Provider"), default="offline")
    model = TextField(_l("Model"), default="offline", render_kw={"maxlength": 255, "required": True})
    base_url = TextField(_l("Base URL"), render_kw={"inputmode": "url", "maxlength": 1000, "autocomplete": "off"})
    system_prompt = ProseField(_l("System prompt"), render_kw={"rows": 7})
    temperature = NumberField(_l("Temperature"), render_kw=DECIMAL)
    top_p = NumberField(_l("Top P"), render_kw=DECIMAL)
    max_tokens = NumberField(_l("Most tokens"), render_kw={"inputmode": "numeric", "autocomplete": "off"})
    timeout_s = NumberField(_l("Timeout in seconds"), render_kw=DECIMAL)
    stop = LinesField(_l("Stop sequences"), render_kw={"rows": 2, "spellcheck": "false"})
    tools = WordsField(_l("Tools"))
    output_schema = JsonField(_l("Output schema"), render_kw=CODE)
    fallbacks = FallbacksField(_l("Fallbacks"))
    log_payload_kb = NumberField(
        _l("Kept of each request and answer, in KB"),
        default="64",
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )

    api_key = SecretField(_l("API key"), render_kw={"autocomplete": "new-password", "maxlength": 4096})
    remove_key = BooleanField(_l("Remove the stored key"))
    configuration = JsonField(_l("Overrides"), render_kw=CODE)
    is_active = BooleanField(_l("Apply these overrides"), default=True)

    @classmethod
    def of(cls, agent: Agent, configuration: AgentConfiguration | None = None) -> AgentForm:
        """The form as it shows a stored agent."""
        values = {
            name: getattr(agent, name)
            for name in ("name", "description", "agent_type", "status", "log_payload_kb")
        }
        values |= {name: agent.model_config.get(name) for name in MODEL_FIELDS}
        values |= {"capabilities": agent.capabilities, "version": agent.version}
        if configuration is not None:
            values |= {"configuration": configuration.configuration, "is_active": configuration.is_active}
        return cls(data=values)

    def data_for_service(self) -> JSONObject:
        """The agent's own values; a model setting that is blank is None, which takes it away."""
        config = {name: self.sent(name) for name in MODEL_FIELDS}
        config["tools"] = config["tools"] or None
        kept = {"log_payload_kb": self.sent("log_payload_kb")} if self.was_sent("log_payload_kb") else {}
        if "status" in self:
            kept["status"] = self.sent("status") or ""
        return kept | {
            "name": self.sent("name") or "",
            "description": self.sent("description") or "",
            "agent_type": self.sent("agent_type") or "",
            "capabilities": self.sent("capabilities"),
            "model_config": config,
        }

    def data_for_test(self, config: JSONObject | None = None) -> JSONObject:
        """What a test of the key needs.

        :param config: the agent's, where the form has only the tenant's overrides of it.
        """
        values = {name: self.sent(name) for name in TESTED}
        if config is not None:
            overrides = self.sent("configuration") if self.was_sent("is_active") else None
            values = overlay(config, overrides if isinstance(overrides, dict) else {})
        values = {name: values.get(name) for name in TESTED} | {"api_key": self.sent("api_key")}
        return {name: value for name, value in values.items() if value is not None}

    def sent(self, name: str) -> Any:
        """What a field sends, None when it is blank or not in this form."""
        field: Any = self._fields.get(name)
        return None if field is None else field.sent

    def was_sent(self, name: str) -> bool:
        """Whether the browser sent this field at all."""
        return name in self._fields and bool(self._fields[name].raw_data)

    def expected_version(self) -> int | None:
        """The version that was shown when the form was opened."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def show(self, error: AIAgentsError, field: str | None = None) -> None:
        """Messages beside their fields; those of a fallback beside its row, those of an override with its name."""
        super().show(error, field)
        details = error.details if isinstance(error.details, Mapping) else {}
        self._show_rows(details.get("model_config"))
        self._show_overrides(details.get("configuration"))
        for one in self:
            if isinstance(one, JsonField) and one.problem and one.errors:
                one.errors = [one.problem]

    def _show_rows(self, config: Any) -> None:
        rows = config.get("fallbacks") if isinstance(config, Mapping) else None
        if isinstance(rows, Mapping) and "fallbacks" in self._fields:
            self.fallbacks.errors = [_("See the marked row.")]
            self.fallbacks.row_errors = {
                int(index): [str(one) for found in messages.values() for one in found]
                for index, messages in rows.items()
                if isinstance(messages, Mapping)
            }

    def _show_overrides(self, wrong: Any) -> None:
        if isinstance(wrong, Mapping) and "configuration" in self._fields:
            self.configuration.errors = [
                f"{key}: {message}"
                for key, messages in wrong.items()
                for message in (messages if isinstance(messages, list) else [str(messages)])
            ]
