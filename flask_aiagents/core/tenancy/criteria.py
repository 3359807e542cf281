"""The conditions that narrow a statement's models to a scope.

Kept by scope: SQLAlchemy compiles a statement once for all scopes, since the scope is in bound values.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import LoaderCriteriaOption, with_loader_criteria

from .mixins import OfAgentMixin, OwnedMixin, SharedTenantMixin, TenantMixin
from .scope import Scope

Criteria = tuple[LoaderCriteriaOption, ...]


@lru_cache(maxsize=4096)
def criteria_of(models: frozenset[type[Any]], scope: Scope, *, write: bool) -> Criteria:
    """For a statement that touches these models and no others."""
    return tuple(
        with_loader_criteria(model, sa.and_(*conditions), include_aliases=True)
        for model in sorted(models, key=lambda model: model.__qualname__)
        if (conditions := list(_conditions(model, scope, write)))
    )


@lru_cache(maxsize=4096)
def any_criteria(scope: Scope, *, write: bool) -> Criteria:
    """For a statement that may load any model: slower, since each criterion is a function of the model."""
    tenant, user = scope.tenant_id, scope.user_id
    own = with_loader_criteria(TenantMixin, lambda cls: cls.tenant_id == tenant, include_aliases=True)
    if write:
        shared = with_loader_criteria(SharedTenantMixin, lambda cls: cls.tenant_id == tenant, include_aliases=True)
    else:
        shared = with_loader_criteria(
            SharedTenantMixin,
            lambda cls: sa.or_(cls.tenant_id == tenant, cls.tenant_id.is_(None)),
            include_aliases=True,
        )
    found = [own, shared]
    if user is not None:
        found.append(with_loader_criteria(OwnedMixin, lambda cls: cls.user_id == user, include_aliases=True))
    if scope.agent_ids is not None:
        scope_agents = sorted(scope.agent_ids)  # the bound value gets the name of this variable, see _Plain
        found.append(
            with_loader_criteria(
                OfAgentMixin, lambda cls: cls.agent_column().in_(scope_agents), include_aliases=True
            )
        )
    return tuple(found)


def _conditions(model: Any, scope: Scope, write: bool) -> Iterator[sa.ColumnElement[bool]]:
    if issubclass(model, (TenantMixin, SharedTenantMixin)):
        own = model.tenant_id == Fixed("tenant_id", scope)
        shared = issubclass(model, SharedTenantMixin) and not write
        yield sa.or_(own, model.tenant_id.is_(None)) if shared else own
    if issubclass(model, OwnedMixin) and scope.user_id is not None:
        yield model.user_id == Fixed("user_id", scope)
    if issubclass(model, OfAgentMixin) and scope.agent_ids is not None:
        agents = _Plain("scope_agents", sorted(scope.agent_ids), sa.Uuid(), unique=True, expanding=True)
        yield model.agent_column().in_(agents)


class _Plain(sa.BindParameter[Any]):
    """A value that carries no annotations: an annotated one has the hash of the original and no cheap equality,
    which costs each execution as much as a small query.

    Its name begins with ``scope_``: a unique name (``agents_1``) looks like the first item of a list that the
    statement itself names ``agents``, and in SQLAlchemy without the fix of its issue 13695 one replaces the other.
    """

    inherit_cache = True

    def _annotate(self, values: Any) -> Any:
        return self


class Fixed(_Plain):
    """The tenant or the user of a scope.

    :param attribute: the attribute of the scope that holds the value.
    """

    inherit_cache = True

    def __init__(self, attribute: str, scope: Scope) -> None:
        super().__init__(f"scope_{attribute}", getattr(scope, attribute), sa.String(), unique=True)
        self.attribute = attribute
