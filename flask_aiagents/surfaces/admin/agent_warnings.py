"""What the panel warns of on an agent's pages: no model, labels that the model does not keep."""

from __future__ import annotations

from ...features.agents.default_model import EXAMPLES, has_model
from ...llm.abilities import AS_OF, broken_promises
from ...types import JSONObject
from .agent_words import spoken
from .texts import _


def warnings(capabilities: list[str], config: JSONObject) -> list[str]:
    """Warnings for an agent, in the reader's language."""
    if not has_model(config):
        return [
            _(
                "This agent has no model, so it cannot run. Choose one, for example %(examples)s.",
                examples=EXAMPLES,
            )
        ]
    provider, model = config["provider"], config["model"]
    return [
        _(
            "%(capability)s is only a label: %(model)s does not have this ability (known models of %(date)s).",
            capability=spoken(name),
            model=model,
            date=AS_OF.isoformat(),
        )
        for name in broken_promises(capabilities, provider, model)
    ]
