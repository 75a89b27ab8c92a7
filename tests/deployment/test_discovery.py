"""How the Lambda functions are found."""

from __future__ import annotations

from pathlib import Path

from orchestrator.deployment.discovery import discover
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
