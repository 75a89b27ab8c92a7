"""Bundles: what is in the functions' zip files."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import pytest

import deploy
from orchestrator.deployment import Dependencies
from orchestrator.deployment.application import LIBRARY
from orchestrator.deployment.bundles import Bundle, bundle, library_files
from orchestrator.functions import Function
from orchestrator.rooms import ROOMS
from orchestrator.stack import Stack
from tests.testbed import sample
from tests.testbed.wheelhouse import LAMBDA, Wheelhouse, pin


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
    assert parts == {"__init__", *(room.name for room in ROOMS if room.bundled)}


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
    before = bundle(sample.ECHO, application.lambdas, library_files(LIBRARY)).digest
    cache = tmp_path / "lambdas" / "__pycache__"
    cache.mkdir()
    (cache / "echo.cpython-311.pyc").write_bytes(b"x")
    assert bundle(sample.ECHO, application.lambdas, library_files(LIBRARY)).digest == before


def test_files_in_a_bundle_can_be_read_by_the_functions_user(bundles: dict[str, Bundle]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(bundles["echo"].to_zip()))
    assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def test_a_bundle_holds_what_its_function_depends_on_and_not_what_another_does(
    tmp_path: Path, wheelhouse: Wheelhouse
) -> None:
    pins = tuple(pin(name, "1.0", wheelhouse.add(name, "1.0")[1]) for name in ("paper", "fast"))
    application = replace(
        sample.application(tmp_path),
        functions=(sample.ECHO, replace(sample.LETTERS, dependencies=("paper",))),
        dependencies=Dependencies(pins=pins, platform=LAMBDA, cache=tmp_path / "cache"),
    )
    held = {
        bundle.name: {"fast.py", "paper.py", "paper-1.0.dist-info/METADATA", "lambdas/__init__.py"}
        & set(zipfile.ZipFile(io.BytesIO(bundle.to_zip())).namelist())
        for bundle in application.bundles().values()
    }
    assert held == {
        "echo": {"fast.py", "lambdas/__init__.py"},
        "send-letters": {"fast.py", "paper.py", "paper-1.0.dist-info/METADATA", "lambdas/__init__.py"},
    }


def test_a_key_says_what_is_in_a_bundle_before_it_is_fetched(tmp_path: Path) -> None:
    lambdas = sample.application(tmp_path).lambdas
    keys = {
        bundle(
            sample.ECHO,
            lambdas,
            library_files(LIBRARY),
            Dependencies(pins=pins, platform=LAMBDA, cache=tmp_path / "none"),
        ).key
        for pins in ((), (pin("fast", "1.0", "0" * 64),), (pin("fast", "1.1", "0" * 64),))
    }
    assert len({*keys, bundle(sample.ECHO, lambdas, library_files(LIBRARY)).key}) == 4


PROJECT = deploy.PROJECT.application(Stack(), deploy.PROJECT.locked_dependencies())
FUNCTIONS = {function.name: function for function in PROJECT.functions}
BUNDLES = {bundle.name: bundle for bundle in PROJECT.bundles().values()}


def installed(name: str, folder: Path) -> None:
    """Links what a distribution has put into this machine's Python into a folder."""
    for file in metadata.files(name) or ():
        top = file.parts[0]
        if top != ".." and not (folder / top).exists():
            (folder / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's Python has beside the standard library, but for what every bundle holds a version of."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in ("boto3", "botocore", "python-dateutil", "s3transfer", "six"):
        installed(name, folder)
    return folder


def run_in(function: Function, root: Path, runtime: Path, program: str) -> str:
    """What a program prints that finds a bundle's content alone: our files, and this machine's builds of the rest."""
    bundle = BUNDLES[function.name]
    for path, content in bundle.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    assert bundle.dependencies
    for one in bundle.dependencies.pins:
        installed(one.name, root)
    isolated = f"import sys; sys.path += [{str(root)!r}, {str(runtime)!r}]; {program}"
    warnings = f"-W{function.environment.get('PYTHONWARNINGS', 'default')}"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", warnings, "-c", isolated], capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    return ran.stdout


# Each takes a process that imports as much as the function does: the suite looks at each eighth.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.proof] if number else []) for number, name in enumerate(FUNCTIONS)],
)
def test_a_handler_finds_all_it_imports_in_its_bundle(name: str, tmp_path: Path, runtime: Path) -> None:
    program = f"from lambdas.{FUNCTIONS[name].module} import handler; print(handler.__name__)"
    assert run_in(FUNCTIONS[name], tmp_path, runtime, program) == "handler\n"


def test_a_pdf_is_the_same_without_a_library_for_pictures(tmp_path: Path, runtime: Path) -> None:
    program = (
        "import hashlib; from datetime import datetime; from decimal import Decimal;"
        " from lambdas.report_generator.orders import Sum, Summary;"
        " from lambdas.report_generator.rendering import to_pdf;"
        " one = Sum(region='north', product='tea', orders=2, quantity=3, total=Decimal('9.90'));"
        " when = datetime(2026, 12, 1);"
        " pdf = to_pdf(Summary(sums=(one,)), day=when.date(), created=when);"
        " print(pdf[:5], len(pdf), hashlib.sha256(pdf).hexdigest())"
    )
    alone = run_in(FUNCTIONS["report-generator"], tmp_path, runtime, program + "; assert 'PIL' not in sys.modules")
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert alone.startswith("b'%PDF-'")
    assert alone == here


@pytest.fixture(scope="module")
def zips() -> dict[str, bytes]:
    return {name: bundle.to_zip() for name, bundle in BUNDLES.items()}


def test_every_function_of_the_project_has_a_small_bundle(zips: dict[str, bytes]) -> None:
    assert zips.keys() == FUNCTIONS.keys()
    for name, content in zips.items():
        unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(content)).infolist())
        # "Lambda quotas": 250 MB unpacked.
        assert (name, len(content) < 10_000_000, unpacked < 100_000_000) == (name, True, True)


def test_a_bundle_holds_the_pinned_versions_made_for_the_processor_of_the_template(zips: dict[str, bytes]) -> None:
    for name, content in zips.items():
        archive = zipfile.ZipFile(io.BytesIO(content))
        found, tags, processors = set(), set(), set()
        for path in archive.namelist():
            if path.endswith(".dist-info/METADATA"):
                said = message_from_bytes(archive.read(path))
                found.add(f"{said['Name'].lower().replace('_', '-')}=={said['Version']}")
            elif path.endswith(".dist-info/WHEEL"):
                tags.update(message_from_bytes(archive.read(path)).get_all("Tag", []))
            elif ".so" in Path(path).suffixes:
                processors.add(int.from_bytes(archive.read(path)[18:20], "little"))
        dependencies = BUNDLES[name].dependencies
        assert dependencies
        assert found == {str(one) for one in dependencies.pins}
        assert {tag for tag in tags if not tag.endswith("-none-any") and "aarch64" not in tag} == set()
        # ELF's e_machine: AArch64. Both wrapt and pydantic-core have machine code.
        assert processors == {183}


def test_no_bundle_holds_boto3_or_tests(zips: dict[str, bytes]) -> None:
    for content in zips.values():
        paths = [path.split("/") for path in zipfile.ZipFile(io.BytesIO(content)).namelist()]
        assert not {top for top, *_ in paths} & {"boto3", "botocore", "s3transfer", "PIL", "tests"}
        assert not {part for path in paths for part in path} & {"tests", "__pycache__"}
