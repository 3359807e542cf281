"""Agents without a model of their own: they get the default model, or stay inactive until they have one."""

from __future__ import annotations

from ...errors import ConfigurationError, Invalid
from ...llm.abilities import AS_OF, broken_promises
from ...types import JSONObject
from .model_config import ModelConfigSchema
from .models import Agent, Status

EXAMPLES = "openai:gpt-4o-mini, anthropic:claude-sonnet-4-0, ollama:llama3.1 or offline:offline"
"""Models to name to somebody who has chosen none."""


def default_model(setting: str | None) -> JSONObject:
    """The model configuration that ``AIAGENTS_DEFAULT_MODEL`` names; empty without it.

    :raises ConfigurationError: for a provider that does not exist, or one that needs more than a name.
    """
    if setting is None:
        return {}
    provider, _, model = setting.partition(":")
    config = {"provider": provider, "model": model}
    for field, messages in ModelConfigSchema().validate(config).items():
        raise ConfigurationError(
            f"AIAGENTS_DEFAULT_MODEL: {setting!r} cannot be used ({field}: {' '.join(messages)})",
            hint=f"Write it as provider:model, for example {EXAMPLES}.",
        )
    return config


def with_default(values: JSONObject, default: JSONObject) -> JSONObject:
    """An agent's values; without a model, with the default one copied in."""
    if has_model(values["model_config"]):
        return values
    return values | {"model_config": default | values["model_config"]}


def new_values(values: JSONObject, default: JSONObject) -> JSONObject:
    """The values of a new agent: with the default model, or inactive where there is none."""
    values = with_default(values, default)
    if not has_model(values["model_config"]) and values["status"] == Status.ACTIVE:
        return values | {"status": Status.INACTIVE.value}
    return values


def require_model(values: JSONObject) -> None:
    """Refuse to make an agent active that has no model.

    :raises Invalid: saying what to set.
    """
    if values["status"] == Status.ACTIVE and not has_model(values["model_config"]):
        message = f"An active agent needs a model. Set provider and model in model_config, for example {EXAMPLES}."
        raise Invalid(
            "The agent has no model.", details={"status": [message]}, hint="Set a model, or leave it inactive."
        )


def has_model(config: JSONObject) -> bool:
    """Whether a model configuration names a model."""
    return bool(config.get("model"))


def warnings_of(agent: Agent) -> list[str]:
    """What a person should know about an agent that is nevertheless stored."""
    config = agent.model_config
    if not has_model(config):
        return [
            f"The agent has no model, so it is {agent.status} and cannot run. Set provider and model in "
            f"model_config, for example {EXAMPLES}; AIAGENTS_DEFAULT_MODEL sets the model of new agents."
        ]
    named = f"{config['provider']}:{config['model']}"
    return [
        f"The capability {name!r} is only a label: {named} does not have it (known models of {AS_OF:%Y-%m-%d}). "
        "Choose another model, or remove the label."
        for name in broken_promises(agent.capabilities, config["provider"], config["model"])
    ]
