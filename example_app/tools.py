"""What the platform's agents may do, besides talking."""

from __future__ import annotations

import sqlalchemy as sa

from flask_aiagents import AIAgents, current_aiagents

from .models import Order, db

aiagents = AIAgents()


@aiagents.tool
def order_status(order_id: int) -> str:
    """The status of one of the company's orders, by its number."""
    principal = current_aiagents.access.current()
    tenant = principal and principal.tenant_id
    order = db.session.scalar(sa.select(Order).where(Order.id == order_id, Order.tenant_id == tenant))
    return f"{order.item}: {order.status}" if order else f"There is no order {order_id}."
