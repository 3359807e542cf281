"""What the platform tells the agents: names for their panel, and what they may do besides talking."""

from __future__ import annotations

import sqlalchemy as sa

from flask_aiagents import AIAgents, current_aiagents

from .models import Order, Tenant, db


def list_tenants() -> list[tuple[str, str]]:
    """The tenants, as the panel offers them to the operator."""
    return [(tenant.id, tenant.name) for tenant in db.session.scalars(sa.select(Tenant).order_by(Tenant.name))]


def labels(kind: str, ids: list[str]) -> dict[str, str]:
    """Names for ids; the platform's users are called by their username, which is their id."""
    if kind != "tenant":
        return {}
    return {tenant.id: tenant.name for tenant in db.session.scalars(sa.select(Tenant).where(Tenant.id.in_(ids)))}


aiagents = AIAgents(list_tenants=list_tenants, labels=labels)


@aiagents.tool
def order_status(order_id: int) -> str:
    """The status of one of the company's orders, by its number."""
    principal = current_aiagents.access.current()
    tenant = principal and principal.tenant_id
    order = db.session.scalar(sa.select(Order).where(Order.id == order_id, Order.tenant_id == tenant))
    return f"{order.item}: {order.status}" if order else f"There is no order {order_id}."
