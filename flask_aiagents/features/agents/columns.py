"""What lists of agents and configurations offer."""

from __future__ import annotations

from collections.abc import Mapping

from ...web.columns import Columns
from .figures import CARRIED, Sight
from .models import Agent, AgentConfiguration

_SHOWN = (
    "id name description agent_type capabilities model_config status status_set_by_admin log_payload_kb "
    "performance_metrics tenant_id created_by created_at updated_at version"
)

COLUMNS_BY_SIGHT: Mapping[Sight, Columns] = {
    sight: Columns(Agent, _SHOWN, instead={"performance_metrics": carried}) for sight, carried in CARRIED.items()
}
"""The same columns for each kind of reader, with the figures that it may know: shown, and filtered by."""

AGENT_COLUMNS = COLUMNS_BY_SIGHT[Sight.NOTHING]
"""For whoever wants to know which columns there are, and for objects that a service gave out."""

CONFIGURATION_COLUMNS = Columns(
    AgentConfiguration, "id agent_id tenant_id configuration is_active created_at updated_at"
)
