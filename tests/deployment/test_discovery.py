"""How the Lambda functions are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.deployment.discovery import descendants, discover
from orchestrator.functions import Function

HANDLER = "def handler(event, context):\n    return event\n"


def test_a_module_with_a_handler_is_a_function(tmp_path: Path) -> None:
    (tmp_path / "send_letters.py").write_text(HANDLER)
    assert discover(tmp_path, {}) == (Function(name="send-letters", module="send_letters"),)


def test_a_package_whose_handler_is_imported_is_a_function(tmp_path: Path) -> None:
    package = tmp_path / "send_letters"
    package.mkdir()
    (package / "__init__.py").write_text("from lambdas.send_letters.handling import handle as handler\n")
    assert [function.module for function in discover(tmp_path, {})] == ["send_letters"]


def test_what_has_no_handler_or_begins_with_an_underscore_is_none(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text(HANDLER)
    (tmp_path / "_shared.py").write_text(HANDLER)
    (tmp_path / "prices.py").write_text("VAT = 19\n")
    assert discover(tmp_path, {}) == ()


def test_a_function_gets_the_settings_of_its_module(tmp_path: Path) -> None:
    (tmp_path / "send_letters.py").write_text(HANDLER)
    settings = Function(name="send-letters", module="send_letters", memory_mb=512)
    assert discover(tmp_path, {"send_letters": settings}) == (settings,)


def test_nothing_is_imported_to_find_functions(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit\n" + HANDLER)
    assert [function.name for function in discover(tmp_path, {})] == ["broken"]


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
