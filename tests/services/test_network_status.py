"""What the network's screen counts of the shares' provides."""

from __future__ import annotations

from node.services.network_status import DUE_SOON_S, LATE_S, Provides, count_provides
from node.services.provide_plan import REPROVIDE_S, VALIDITY_S, WARN_S
from node.status import ProvideStatus


def provided(age: float, due: float, stored: int = 20) -> ProvideStatus:
    """A share whose record is `age` seconds old and is due in `due`, at time 0."""
    return ProvideStatus(20, stored, at=-age, due=due)


def test_shares_are_counted_by_how_they_stand():
    fresh = provided(60, REPROVIDE_S - 60)
    soon = provided(REPROVIDE_S - DUE_SOON_S + 1, DUE_SOON_S - 1)
    late = provided(REPROVIDE_S + LATE_S + 1, -LATE_S - 1)
    lapsing = provided(VALIDITY_S - WARN_S + 1, 300)
    never = ProvideStatus(0, 0, at=None, due=5)
    assert count_provides([fresh], 0) == Provides(held=1, fresh=1, due=0, late=0, lapsing=0, next_at=REPROVIDE_S - 60)
    assert count_provides([fresh, soon, late, lapsing, never], 0) == Provides(
        held=4, fresh=2, due=4, late=3, lapsing=1, next_at=-LATE_S - 1
    )
    assert count_provides([], 0).next_at is None
