"""What lists of credentials offer; the key itself is not among it."""

from __future__ import annotations

from ...web.columns import Columns
from .models import Credential

CREDENTIAL_COLUMNS = Columns(
    Credential, "id provider origin path_prefix masked agent_id tenant_id created_by created_at updated_at"
)
