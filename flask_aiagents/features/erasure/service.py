"""Tenants and persons that the system forgets, for good. The figures stay, and name none of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from ...core.claims import Claim, alone
from ...core.db import Database
from ...core.ids import TENANT_LENGTH
from ...core.principal import Principal
from ...core.tenancy import SYSTEM
from ...errors import Conflict, Forbidden, Invalid, NotFound
from ...signals import Forgotten
from ..access.policy import Permission
from ..access.service import Access
from ..activity.models import ActivityLog, LogStatus
from ..activity.running import RunningLogs
from ..analytics.forgotten import FORGOTTEN
from .parts import Whom, parts_of

USER_LENGTH = 255
"""Longest user id, in characters."""

_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
"""What no database takes: NUL and half surrogate pairs."""

Tell = Callable[[str], None]


class Erasure:
    """Forgetting, which only operators may. It goes in small transactions; whoever is stopped calls again."""

    def __init__(self, database: Database, access: Access, running: RunningLogs) -> None:
        self._db = database
        self._access = access
        self._running = running

    def count(
        self, tenant_id: str | None, user_id: str | None = None, *, principal: Principal | None = None
    ) -> Mapping[str, int]:
        """What is kept of a tenant, or of a person: rows by what they are."""
        self._require(principal)
        whom = _checked(tenant_id, user_id)
        with self._db.transaction(SYSTEM) as session:
            return {part.name: part.count(session) for part in parts_of(whom)}

    def forget_tenant(
        self, tenant_id: str, *, tell: Tell | None = None, principal: Principal | None = None
    ) -> Mapping[str, int]:
        """Delete a tenant's agents, configurations, keys, logs and rules; returns how many rows of each.

        Its sums stay, for the operator's books, without the users' ids. The host keeps its users out before, for
        each request is a reason to write anew.

        :param tell: is told how far it is.
        :raises NotFound: when nothing is kept of the tenant.
        :raises Conflict: when some of its executions still run, or something was written meanwhile.
        """
        return self._forget(_checked(tenant_id, None), tell, self._require(principal))

    def forget_person(
        self, user_id: str, *, tenant_id: str | None, tell: Tell | None = None, principal: Principal | None = None
    ) -> Mapping[str, int]:
        """Delete the logs and API keys of one user of a tenant, None for the operator's own.

        What they made for the tenant stays, and so do their sums; neither names them any more.

        :raises Invalid: for the acting principal itself, whom the log of the deed would name again.
        :raises NotFound: when nothing is kept of the person.
        :raises Conflict: when some of their executions still run, or something was written meanwhile.
        """
        principal = self._require(principal)
        whom = _checked(tenant_id, user_id)
        if whom == Whom(None, principal.user_id):
            raise Invalid("Nobody forgets themselves.", hint="Let another operator do it, or the command.")
        return self._forget(whom, tell, principal)

    def _require(self, principal: Principal | None) -> Principal:
        principal = self._access.require(Permission.FORGET, principal)
        if self._access.scope(principal) != SYSTEM:  # whatever the host's policy says
            raise Forbidden("Only a super admin who acts for no tenant may forget one.", hint="Ask the operator.")
        return principal

    def _forget(self, whom: Whom, tell: Tell | None, principal: Principal) -> Mapping[str, int]:
        if not self._is_left(whom) and not self._is_begun(whom):
            raise NotFound(f"There is nothing to forget of {whom}.", hint="Look whether the id is right.")
        self._running.end_expired()
        self._refuse_running(whom)
        with alone(self._db, _claim(whom)):
            pass  # from here on, whoever comes again goes on to the end
        done = {part.name: part.work(self._db, part, _teller(tell, part.name)) for part in parts_of(whom)}
        if self._is_left(whom):
            raise Conflict(
                f"Something of {whom} was written meanwhile.", hint="Keep them out in the host, and try it again."
            )
        self._end(whom, principal)
        return done

    def _is_left(self, whom: Whom) -> bool:
        with self._db.transaction(SYSTEM) as session:
            return any(part.is_there(session) for part in parts_of(whom))

    def _is_begun(self, whom: Whom) -> bool:
        with self._db.transaction(SYSTEM) as session:
            return session.get(Claim, _claim(whom)) is not None

    def _refuse_running(self, whom: Whom) -> None:
        """Their costs are not known yet, and belong in the books."""
        running = sa.select(sa.func.count(), sa.func.max(ActivityLog.lease_until)).where(
            whom.owns(ActivityLog), ActivityLog.status == LogStatus.RUNNING.value
        )
        with self._db.transaction(SYSTEM) as session:
            count, until = session.execute(running).one()
        if count:
            raise Conflict(
                f"Executions of {whom} still run: {count}.",
                hint=f"Keep them out in the host; all will have ended at {until:%H:%M:%S} UTC. Then try it again.",
            )

    def _end(self, whom: Whom, principal: Principal) -> None:
        with alone(self._db, _claim(whom)) as session:
            session.delete(session.get_one(Claim, _claim(whom)))
            self._db.announce(
                Forgotten(
                    tenant_id=None,
                    user_id=principal.user_id,
                    of_tenant=whom.tenant_id,
                    is_person=whom.user_id is not None,
                )
            )


def _checked(tenant_id: str | None, user_id: str | None) -> Whom:
    wrong = {}
    if tenant_id is None and user_id is None:
        wrong["tenant_id"] = ["Name a tenant, a user, or a user of a tenant."]
    if tenant_id is not None and not _is_id(tenant_id, TENANT_LENGTH):
        wrong["tenant_id"] = [f"Name a tenant in 1 to {TENANT_LENGTH} characters."]
    if user_id is not None and (not _is_id(user_id, USER_LENGTH) or user_id == FORGOTTEN):
        wrong["user_id"] = [f"Name a user in 1 to {USER_LENGTH} characters."]
    if wrong:
        raise Invalid("These are no ids.", details=wrong)
    return Whom(tenant_id, user_id)


def _is_id(text: str, length: int) -> bool:
    return 0 < len(text) <= length and _NO_TEXT.search(text) is None


def _claim(whom: Whom) -> str:
    """The claim that is there from the first deletion to the last; it names nobody."""
    digest = hashlib.sha256(json.dumps([whom.tenant_id, whom.user_id]).encode()).hexdigest()
    return f"forget {digest[:32]}"


def _teller(tell: Tell | None, name: str) -> Callable[[int], None]:
    return lambda count: tell(f"{count:,} {name}") if tell is not None else None
