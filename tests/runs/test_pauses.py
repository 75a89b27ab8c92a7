"""Several pauses of one task are one, and none of them is lost when another ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from orchestrator.dynamodb import Fields, to_item
from orchestrator.runs.pauses import added, each, ended, of, together
from orchestrator.runs.task_state import Pause

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

OWN = Pause(who="ann", why="migration", since="2026-11-23T08:00:00Z", until="2026-11-23T14:00:00Z")
ETL = Pause(who="bob", why="the warehouse moves", since="2026-11-23T09:00:00Z", switch="tag:etl")
ALL = Pause(who="eve", since="2026-11-23T10:00:00Z", until="2026-11-23T13:00:00Z", switch="all")


@pytest.mark.parametrize("order", list(permutations([OWN, ETL, ALL])))
def test_the_one_that_ends_last_is_what_task_runner_asks_in_whatever_order_they_came(order: tuple[Pause, ...]) -> None:
    whole: Pause | None = None
    for one in order:
        whole = added(whole, one, NOW)
    assert whole is not None
    assert each(whole) == (ETL, OWN, ALL)
    assert (whole.until, whole.who) == ("", "bob")
    assert Pause.from_fields(Fields(to_item({"pause": whole.to_value()})).map("pause")) == whole
    # A slot that the longest does not cover is one that another does.
    assert whole.covers(datetime(2026, 11, 23, 8, 30, tzinfo=UTC))
    assert not whole.covers(datetime(2026, 11, 23, 7, 30, tzinfo=UTC))


def test_when_one_ends_the_others_go_on_and_the_last_stays_until_what_it_skipped_is_started() -> None:
    end = replace(ETL, until="2026-11-23T12:00:00Z")
    left = ended(together([OWN, ETL]), "tag:etl", end, NOW)
    assert left == OWN
    assert ended(together([ETL]), "tag:etl", end, NOW) == end
    # One that is over is none that goes on.
    later = datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert ended(together([OWN, ETL]), "tag:etl", end, later) == end
    assert ended(OWN, "tag:etl", end, NOW) == OWN
    assert ended(None, "", OWN, NOW) is None


def test_a_pause_that_is_made_again_takes_the_place_of_the_one_before() -> None:
    again = replace(ETL, why="still", since="2026-11-23T11:00:00Z")
    assert each(added(together([OWN, ETL]), again, NOW)) == (again, OWN)
    assert of(added(OWN, again, NOW), "tag:etl") == again
    assert of(OWN, "tag:etl") is None
