from __future__ import annotations

import pytest
from attacks.arena import Arena
from attacks.sets import ALL

pytestmark = pytest.mark.slow

REQUIREMENTS = {
    "filters": "R44",
    "providers": "R45",
    "answers": "R47",
    "names": "R48",
    "abandoned": "R45",
    "outputs": "R43",
    "schemas": "R43",
    "posts": "R52",
    "streams": "R46",
    "bodies": "R43",
    "many": "R45",
}


@pytest.mark.parametrize(
    "resource", [pytest.param(name, marks=pytest.mark.requirement(REQUIREMENTS[name])) for name in ALL]
)
def test_a_tenant_works_while_another_attacks(battle: Arena, resource: str) -> None:
    """Lists, health and runs of a tenant succeed while another repeats an attack on several connections."""
    with ALL[resource](battle) as attacks:
        assert len(attacks) >= 10
        siege = battle.withstands(attacks)
    assert siege.statuses[500] == 0, dict(siege.statuses)
