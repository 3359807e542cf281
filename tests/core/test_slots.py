from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.cast import ALICE, BOB, CHARLIE, ROOT

from flask_aiagents import Principal, Role
from flask_aiagents.core.slots import SlotLimits, Slots
from flask_aiagents.errors import RateLimited, Unavailable

pytestmark = pytest.mark.requirement("R45")


def make(process: int = 0, tenant: int = 0, user: int = 0) -> Slots:
    return Slots("jobs", SlotLimits(per_process=process, per_tenant=tenant, per_user=user))


@pytest.mark.parametrize(
    ("limits", "refused", "error"),
    [
        ({"user": 2}, ALICE, RateLimited),
        ({"tenant": 2}, BOB, RateLimited),
        ({"process": 2}, CHARLIE, Unavailable),
        ({"process": 2, "tenant": 2, "user": 2}, ALICE, RateLimited),
        ({"tenant": 2}, Principal("invented", "acme", Role.USER), RateLimited),
    ],
)
def test_one_slot_too_many_is_refused_until_one_is_released(
    limits: dict[str, int], refused: Principal, error: type[Exception]
) -> None:
    """Each limit refuses the third slot, names a time to wait, and admits it once another is released."""
    slots = make(**limits)
    first, _second = slots.take(ALICE), slots.take(ALICE)
    with pytest.raises(error) as info:
        slots.take(refused)
    assert info.value.retry_after  # pyright: ignore[reportAttributeAccessIssue]
    first.release()
    first.release()
    assert slots.taken() == 1
    assert slots.take(refused)


def test_others_keep_their_share() -> None:
    """A user at its limit leaves its tenant's, and a tenant at its limit the process's."""
    slots = make(process=4, tenant=3, user=2)
    held = [slots.take(principal) for principal in (ALICE, ALICE, BOB, CHARLIE)]
    assert slots.taken() == len(held)
    with pytest.raises(Unavailable):
        slots.take(ROOT)


def test_a_slot_that_nobody_holds_is_free() -> None:
    """A slot is released when its holder is dropped, and at the end of a with block."""
    slots = make(process=1)
    assert slots.take(ALICE)
    with slots.take(ALICE), pytest.raises(Unavailable):
        slots.take(BOB)
    assert slots.taken() == 0


def test_a_group_uses_up_the_slots_of_its_parent() -> None:
    """A part has its own smaller limit, and what it takes is missing in the whole; a refusal takes nothing."""
    whole = make(process=4, tenant=4)
    part = Slots("exports", whole.limits.part(2), within=whole)
    held = [part.take(ALICE), part.take(ALICE)]
    with pytest.raises(RateLimited, match="exports"):
        part.take(BOB)
    assert (part.taken(), whole.taken()) == (2, 2)
    held += [whole.take(ALICE), whole.take(ALICE)]
    held[0].release()
    assert (part.taken(), whole.taken()) == (1, 3)
    assert part.take(ALICE)


def test_no_limit_leaves_no_limit_to_parts() -> None:
    """0 means unlimited for a part, too; a small limit leaves each part one slot."""
    assert SlotLimits(per_tenant=3, per_user=1).part(4) == SlotLimits(per_tenant=1, per_user=1)
    slots = make()
    assert len([slots.take(ALICE) for _ in range(100)]) == 100


def test_a_crowd_never_has_more_than_the_limit() -> None:
    """Many threads that take and release at once are never more than the limit, and all slots come back."""
    slots = make(process=3)

    def work(_: int) -> int:
        try:
            with slots.take(ALICE):
                return slots.taken()
        except Unavailable:
            return 0

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(work, range(2_000)))
    assert 1 <= max(seen) <= 3
    assert slots.taken() == 0
