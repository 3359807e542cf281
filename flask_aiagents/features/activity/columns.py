"""What lists of activity logs offer."""

from __future__ import annotations

from ...web.columns import Columns
from .models import ActivityLog

COLUMNS = Columns(
    ActivityLog,
    "id agent_id agent_name user_id tenant_id action source request_data response_data duration_ms tokens_used "
    "input_tokens output_tokens cached_tokens provider model cost_usd unpriced attempts finish_reason status "
    "error created_at",
)
