"""What lists of agents and configurations offer."""

from __future__ import annotations

from ...web.columns import Columns
from .models import Agent, AgentConfiguration

AGENT_COLUMNS = Columns(
    Agent,
    "id name description agent_type capabilities model_config status log_payload_kb "
    "performance_metrics "
    "tenant_id created_by created_at updated_at version",
)

CONFIGURATION_COLUMNS = Columns(
    AgentConfiguration, "id agent_id tenant_id configuration is_active created_at updated_at"
)
