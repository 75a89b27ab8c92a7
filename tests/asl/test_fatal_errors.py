"""Which errors end a run at once, read from the sources of functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.asl.fatal_errors import descendants, fatal_errors
from orchestrator.errors import NonRetryableError, error_names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(Fatal): pass", {"A"}),
        ("import errors\nclass A(errors.Fatal): pass\nclass B(ValueError, A): pass", {"A", "B"}),
        ("from errors import Fatal as F\nclass A(F): pass", {"A"}),
        ("Base = Fatal\nclass A(Base[int]): pass", {"A"}),
        ("def handler(event, context):\n    class A(Fatal): pass\n    raise A", {"A"}),
        ("class B(A): pass\nclass A(Fatal): pass", {"A", "B"}),
        ("class A(ValueError): pass\nFatal = 1", set()),
        ("class Fatal(Exception): pass", set()),
        ("class A(make()): pass", set()),
    ],
)
def test_the_subclasses_of_an_error_are_found_in_the_source(source: str, found: set[str]) -> None:
    assert descendants([source.encode()], {"Fatal"}) == found


def test_an_error_may_be_defined_in_another_module_than_its_base() -> None:
    assert descendants([b"class B(A): pass", b"class A(Fatal): pass"], {"Fatal"}) == {"A", "B"}


def test_a_package_has_the_fatal_errors_of_the_library_and_its_own(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "errors.py").write_text("class Aged(NonRetryableError): pass\nclass Busy(Exception): pass\n")
    assert fatal_errors(tmp_path) == sorted([*error_names(NonRetryableError), "Aged"])
