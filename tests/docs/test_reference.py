"""The pages of reference say what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.deployment.building import to_text
from orchestrator.runs import outcome_schema
from orchestrator.taskfile.schema import schema
from tests.docs import reference

FOLDER = Path("../../docs/reference")


@pytest.mark.parametrize(
    ("page", "write"),
    [
        ("tasks-yaml.md", lambda: reference.tasks_yaml(json.loads(schema()))),
        ("commands.md", reference.commands),
        ("permissions.md", reference.permissions),
        ("metrics.md", reference.metrics),
        ("outcomes.md", reference.outcomes),
        ("outcome.schema.json", lambda: to_text(outcome_schema.schema())),
        ("../explanation/cost.md", reference.cost),
        ("../explanation/not-shown.md", reference.not_shown),
    ],
)
def test_a_page_is_what_it_was_generated_from(
    page: str, write: Callable[[], str], golden: Callable[[str, str], None]
) -> None:
    golden((FOLDER / page).as_posix(), write())
