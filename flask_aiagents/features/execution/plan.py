"""From an agent and its tenant's configuration to a call: which models, with which keys, within which bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask

from ...config import Settings
from ...core.principal import Principal, acting_as
from ...core.shares import Shares
from ...errors import Conflict
from ...llm import fakes
from ...llm.messages import Call, Limits, Message, Target, Tool
from ...llm.providers import PROVIDERS
from ...llm.tools import ToolRegistry
from ...types import JSONObject
from ..credentials.vault import Vault, Wanted
from .subject import Subject

_MODEL_KEYS = (
    *("temperature", "max_tokens", "top_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort"),
    *("parallel_tool_calls", "tool_choice", "extra_body", "output_schema", "output_retries"),
)


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes calls for one app."""

    app: Flask
    settings: Settings
    vault: Vault
    tools: ToolRegistry
    shares: Shares

    def call(self, subject: Subject, messages: tuple[Message, ...], principal: Principal) -> Call:
        """The call that runs this agent for this principal.

        :raises Conflict: when no model of the agent has a key that may be used.
        """
        config = subject.config
        return Call(
            targets=self._targets(subject),
            messages=messages,
            system_prompt=config.get("system_prompt"),
            stop=tuple(config.get("stop", ())),
            tools=tuple(self._tool(name, principal) for name in config.get("tools", ())),
            limits=self.limits(config),
            prices=self.settings.prices,
            tenant=principal.tenant_id,
            pace=self.pace(principal),
            allowed_hosts=self.settings.allowed_hosts,
            **{key: config[key] for key in _MODEL_KEYS if key in config},
        )

    def _targets(self, subject: Subject) -> tuple[Target, ...]:
        config = subject.config
        wanted = [Wanted(config["provider"], config.get("base_url"), _redirected(subject.own_config, config))]
        wanted += [Wanted(fallback["provider"], None) for fallback in config.get("fallbacks", ())]
        models = [config["model"], *(fallback["model"] for fallback in config.get("fallbacks", ()))]
        keys = self.vault.keys_for(wanted, subject.keys)
        targets = tuple(
            Target(
                provider=want.provider,
                model=model,
                base_url=want.base_url,
                **({key: config.get(key) for key in ("api", "api_version")} if want is wanted[0] else {}),
                api_key=key,
            )
            for want, model, key in zip(wanted, models, keys, strict=True)
            if key or not PROVIDERS[want.provider].needs_key or fakes.current()
        )
        if not targets:
            raise Conflict(
                f"There is no API key for {config['provider']} at {wanted[0].origin}.",
                error_code="no_credential",
                hint="PUT one to the agent's /credential, or to /ai_agent_credentials for the whole tenant.",
            )
        return targets

    def _tool(self, name: str, principal: Principal) -> Tool:
        if name not in self.tools:
            raise Conflict(
                f"The agent uses the tool {name!r}, which is not registered.",
                error_code="no_tool",
                hint="Take it out of model_config.tools, or register it with @aiagents.tool.",
            )
        return self.tools.bind(name, lambda function: _in_context(self.app, principal, function))

    def pace(self, principal: Principal) -> Callable[[float], float]:
        """Return how a call of this principal is kept to its tenant's share of the processor."""
        return partial(self.shares.charge, principal.tenant_id)

    def limits(self, config: JSONObject) -> Limits:
        """Return the bounds of one call. An agent's own limit for the whole is not cut short by defaults."""
        settings = self.settings
        own = float(config.get("timeout_s", 0))
        return Limits(
            connect_s=settings.connect_timeout_s,
            first_byte_s=config.get("first_byte_timeout_s", max(settings.first_byte_timeout_s, own)),
            idle_s=config.get("idle_timeout_s", max(settings.idle_timeout_s, own)),
            total_s=own or settings.timeout_s,
            max_retries=settings.max_retries,
            max_tool_rounds=settings.max_tool_rounds,
            max_tool_calls=settings.max_tool_calls,
            tool_s=settings.tool_timeout_s,
            max_response_bytes=settings.max_response_bytes,
        )


def _redirected(own: JSONObject, config: JSONObject) -> bool:
    """Whether a tenant's configuration sends the agent elsewhere than the agent's author did."""
    return any(own.get(key) != config.get(key) for key in ("provider", "base_url"))


def _in_context(app: Flask, principal: Principal, function: Callable[..., Any]) -> Callable[..., Any]:
    """A tool runs in an app context of its own, so that parallel tools never share a session."""

    def call(**arguments: Any) -> Any:
        with app.app_context(), acting_as(principal):
            return function(**arguments)

    return call
