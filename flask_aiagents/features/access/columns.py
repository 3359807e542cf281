"""What lists of API keys offer."""

from __future__ import annotations

from ...web.columns import Columns
from .models import ApiKey

COLUMNS = Columns(
    ApiKey,
    "id name role permissions agent_ids user_id tenant_id created_by made_by_key_id created_at expires_at "
    "last_used_at revoked_at",
)
