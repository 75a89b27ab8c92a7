"""The names of errors are those of classes, in Python and in Step Functions."""

from __future__ import annotations

from types import ModuleType

import pytest

from lambdas.billing import errors as of_billing
from orchestrator import errors
from orchestrator.errors import InvalidParameters, NonRetryableError, OrchestratorError, error_names


def test_the_names_below_a_class_are_its_own_and_its_childrens() -> None:
    names = error_names(NonRetryableError)
    assert {"NonRetryableError", "InvalidParameters"} <= set(names)
    assert "OrchestratorError" not in names
    assert names == sorted(names)


@pytest.mark.parametrize("module", [errors, of_billing], ids=lambda module: module.__name__)
def test_every_error_of_a_module_stands_in_the_tree_at_the_top(module: ModuleType) -> None:
    tree = (module.__doc__ or "").split("\n\n")[1]
    drawn = {line.lstrip("│├└─ ").split()[0] for line in tree.splitlines() if line.strip()}
    defined = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, OrchestratorError)}
    assert drawn == {kind.__name__ for kind in defined}


def test_the_names_of_the_library_are_those_of_its_own_classes() -> None:
    class Elsewhere(NonRetryableError):
        pass

    assert Elsewhere.__name__ not in error_names(OrchestratorError)


def test_an_error_is_made_of_facts_and_says_a_sentence() -> None:
    error = InvalidParameters("lambda/x", ["a: missing", "b: too long"])
    assert error.problems == ["a: missing", "b: too long"]
    assert str(error) == "lambda/x was given wrong params: a: missing; b: too long"
