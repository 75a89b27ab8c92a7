"""Bundles: what is in the functions' zip files."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from orchestrator.deployment import Application
from orchestrator.deployment.application import LIBRARY
from orchestrator.deployment.bundles import NOT_BUNDLED, Bundle, bundle
from orchestrator.settings import Stack
from tests.deployment import sample


@pytest.fixture
def bundles(tmp_path: Path) -> dict[str, Bundle]:
    return {bundle.name: bundle for bundle in sample.application(tmp_path).bundles().values()}


def handlers(bundle: Bundle) -> list[str]:
    return [path for path in sorted(bundle.files) if path.startswith("lambdas/")]


def test_a_bundle_holds_its_handler_and_what_handlers_share(bundles: dict[str, Bundle]) -> None:
    assert handlers(bundles["echo"]) == ["lambdas/__init__.py", "lambdas/_shared.py", "lambdas/echo.py"]


def test_a_bundle_holds_the_whole_package_of_its_handler(bundles: dict[str, Bundle]) -> None:
    assert handlers(bundles["send-letters"]) == [
        "lambdas/__init__.py",
        "lambdas/_shared.py",
        "lambdas/send_letters/__init__.py",
        "lambdas/send_letters/letter.txt",
        "lambdas/send_letters/sending.py",
    ]


def test_a_bundle_holds_the_library_but_not_what_deploys_or_imitates(bundles: dict[str, Bundle]) -> None:
    parts = {
        path.split("/")[1].removesuffix(".py") for path in bundles["echo"].files if path.startswith("orchestrator/")
    }
    assert {"__init__", "errors", "ledger", "settings", "tasks"} <= parts
    assert not parts & NOT_BUNDLED


def test_nothing_in_a_bundle_imports_what_is_not_in_it(bundles: dict[str, Bundle]) -> None:
    missing = set()
    files = bundles["echo"].files
    for path, content in files.items():
        for node in ast.walk(ast.parse(content)) if path.endswith(".py") else ():
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                file = name.replace(".", "/")
                is_ours = name.split(".")[0] in ("definitions", "lambdas", "orchestrator", "stepfunctions", "moto")
                if is_ours and not {f"{file}.py", f"{file}/__init__.py"} & files.keys():
                    missing.add((path, name))
    assert missing == set()


def test_a_handler_is_imported_from_its_zip_file_alone(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    file = tmp_path / "echo.zip"
    file.write_bytes(bundles["echo"].to_zip())
    program = "from lambdas.echo import handler; print(handler(1, None), handler.__module__)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(file)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "{'hello': 1} lambdas.echo\n"


def test_the_same_files_are_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    first = [bundle.to_zip() for bundle in application.bundles().values()]
    for path in (tmp_path / "lambdas").rglob("*"):
        os.utime(path, (1, 1))
    assert [bundle.to_zip() for bundle in application.bundles().values()] == first


def test_only_the_key_of_what_changed_changes(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    before = {bundle.name: bundle.key for bundle in application.bundles().values()}
    (tmp_path / "lambdas" / "echo.py").write_text("def handler(event, context):\n    return event\n")
    after = {bundle.name: bundle.key for bundle in application.bundles().values()}
    assert after["send-letters"] == before["send-letters"]
    assert after["echo"] != before["echo"]


def test_what_python_leaves_behind_is_not_in_a_bundle(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    before = bundle(sample.ECHO, application.lambdas, LIBRARY).digest
    cache = tmp_path / "lambdas" / "__pycache__"
    cache.mkdir()
    (cache / "echo.cpython-311.pyc").write_bytes(b"x")
    assert bundle(sample.ECHO, application.lambdas, LIBRARY).digest == before


def test_files_in_a_bundle_can_be_read_by_the_functions_user(bundles: dict[str, Bundle]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(bundles["echo"].to_zip()))
    assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_every_function_of_the_project_has_a_small_bundle() -> None:
    application = Application.of(Stack())
    sizes = {bundle.name: len(bundle.to_zip()) for bundle in application.bundles().values()}
    assert sizes.keys() == {function.name for function in application.functions}
    assert all(size < 10_000_000 for size in sizes.values())
