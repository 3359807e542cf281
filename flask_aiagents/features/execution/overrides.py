"""Other parameters for one run, tried without saving them: a closed set of keys that reach nothing new.

Where an agent's words go, with which key, tools and credentials, is never among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import Invalid
from ...types import JSONObject
from ...web.schema import load
from ..agents.model_config import ModelConfigSchema, overlay
from ..agents.schemas import Catalogue
from .subject import Subject

OVERRIDABLE = ("temperature", "max_tokens", "top_p", "stop", "system_prompt")
"""The keys of ``model_config`` that one run may replace."""

_KEYS = ModelConfigSchema(only=OVERRIDABLE, partial=True)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What replaces an agent's parameters for one run; None takes the agent's value away."""

    values: JSONObject

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Overrides:
        """Read them.

        :raises Invalid: for a value that no agent may have, and for any key outside of :data:`OVERRIDABLE`.
        """
        if not isinstance(data, Mapping):
            raise _invalid({"overrides": ["Send a JSON object."]})
        taken_away = {key: None for key, value in data.items() if value is None and key in OVERRIDABLE}
        try:
            given = load(_KEYS, {key: value for key, value in data.items() if key not in taken_away})
        except Invalid as error:
            raise _invalid({"overrides": error.details}) from error
        return cls(given | taken_away)

    def over(self, subject: Subject, catalogue: Catalogue) -> Subject:
        """The agent with these parameters.

        :raises Invalid: when they do not fit its model, as more tokens than it writes.
        """
        config = overlay(subject.config, self.values)
        schema = ModelConfigSchema()
        schema.catalogue = catalogue
        # What else is wrong with the agent shows as it does in any other run of it.
        wrong = {key: messages for key, messages in schema.validate(config).items() if key in self.values}
        if wrong:
            raise _invalid({"overrides": wrong})
        return replace(subject, config=config)


def _invalid(details: JSONObject) -> Invalid:
    return Invalid("The agent cannot run with these parameters.", details=details)
