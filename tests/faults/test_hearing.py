"""What people know by the messages that they have got."""

from __future__ import annotations

import pytest

from tests.faults.hearing import Hearing

LATE = "A task started late.\n\ntask:      load\nslot:      08:00 (schedule)\nincident:  load late, since 8, once"
OVER = "An incident is over: load late.\n\nseverity:  late"
OF_ANOTHER = LATE.replace("load", "report")


@pytest.mark.parametrize(
    ("before", "since", "known", "afterwards"),
    [
        ([], [LATE], {"load late"}, {"load late"}),
        ([], [LATE, OVER], {"load late"}, set()),
        # A second run was late, and became part of the incident, just before a third one ended it.
        ([LATE], [OVER], {"load late"}, set()),
        ([LATE], [OVER, LATE], {"load late"}, {"load late"}),
        ([LATE, OVER], [], set(), set()),
        ([], [OF_ANOTHER], set(), set()),
    ],
)
def test_an_incident_is_known_from_when_it_is_told_until_people_have_heard_that_it_is_over(
    before: list[str], since: list[str], known: set[str], afterwards: set[str]
) -> None:
    hearing = Hearing("load", repeated=False)
    hearing.hear(before)
    assert (hearing.hear(since), hearing.known) == (known, afterwards)


def test_an_incident_that_goes_on_is_not_told_again_unless_it_may_be() -> None:
    hearing = Hearing("load", repeated=True)
    hearing.hear([LATE, LATE])
    assert hearing.told == {("08:00", "load late"): 2}
    with pytest.raises(AssertionError, match="started late"):
        Hearing("load", repeated=False).hear([LATE, LATE])
