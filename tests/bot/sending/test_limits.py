"""Spacing: whatever the way to a service and back takes, no two messages arrive within its second."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.sending.limits import spacings_of

delays = st.floats(0.0, 3.0)


@given(there=delays, back=delays, ways=st.lists(st.tuples(delays, delays), min_size=2, max_size=20))
def test_a_second_lies_between_two_arrivals(there, back, ways):
    """``there`` and ``back`` are the least that the ways take; each message is slower by as much as it likes."""
    (spacing,) = spacings_of("slack:C1", there + back).values()
    start, arrivals = 0.0, []
    for more_there, more_back in ways:
        arrivals.append(start + there + more_there)
        start = arrivals[-1] + more_back + back + spacing
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(arrivals))


def test_where_several_may_come_at_once_nothing_is_counted_from_the_answer():
    """The bucket alone decides in a group and over all chats."""
    assert {"telegram:-100"} == set(spacings_of("telegram:-100"))
    assert {} == spacings_of("webhook:ops")
