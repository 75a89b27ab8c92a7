"""The names of errors are those of classes, in Python and in Step Functions."""

from __future__ import annotations

from orchestrator import errors
from orchestrator.errors import InvalidParameters, NonRetryableError, OrchestratorError, error_names


def test_the_names_below_a_class_are_its_own_and_its_childrens() -> None:
    names = error_names(NonRetryableError)
    assert {"NonRetryableError", "InvalidParameters"} <= set(names)
    assert "OrchestratorError" not in names
    assert names == sorted(names)


def test_every_error_of_the_project_stands_in_the_tree_at_the_top() -> None:
    tree = (errors.__doc__ or "").split("\n\n")[1]
    drawn = {line.lstrip("│├└─ ").split()[0] for line in tree.splitlines() if line.strip()}
    assert drawn == set(error_names(OrchestratorError))


def test_an_error_is_made_of_facts_and_says_a_sentence() -> None:
    error = InvalidParameters("lambda/x", ["a: missing", "b: too long"])
    assert error.problems == ["a: missing", "b: too long"]
    assert str(error) == "lambda/x was given wrong params: a: missing; b: too long"
