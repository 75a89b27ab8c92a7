"""The wheel alone: what is in it, and a project begun, run and tested with nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import click
import pytest

import orchestrator
from tests.testbed import ROOT, wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("wheel"))


def test_it_holds_the_library_and_what_every_stack_has_and_nothing_of_this_repository_s_own(built: Path) -> None:
    names = set(zipfile.ZipFile(built).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"orchestrator"}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "orchestrator").rglob("*") if path.is_file()}
    assert {name for name in sources if "__pycache__" not in name} <= names
    system = (ROOT / "lambdas" / "system").rglob("*.py")
    assert {f"orchestrator/system/lambdas/{path.relative_to(ROOT / 'lambdas').as_posix()}" for path in system} <= names


def test_it_says_the_version_and_asks_for_nothing_that_pip_cannot_resolve(built: Path) -> None:
    archive = zipfile.ZipFile(built)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = archive.read(name).decode()
    assert f"Version: {orchestrator.__version__}\n" in metadata
    required = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    # The SDK names sagemaker, of which only old versions can be installed beside all else: in an extra of its own.
    assert {one for one in required if one.startswith(("sagemaker", "stepfunctions"))} == {
        'sagemaker<2.20,>=2.1; extra == "sdk"',
        'stepfunctions==2.3.0; extra == "sdk"',
    }


def test_a_project_is_begun_and_checked_with_what_is_in_it_alone(built: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(built).extractall(tmp_path / "site")
    # No SDK, and of this checkout nothing.
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); sys.modules['stepfunctions'] = None;"
        " from orchestrator.cli.main import main; sys.exit(main())"
    )
    orchestrator = [sys.executable, "-c", program]
    assert "shop/tasks.yaml" in wheel.run([*orchestrator, "init", "shop", "--yaml"], tmp_path, os.environ)
    assert "no mistakes" in wheel.run([*orchestrator, "validate"], tmp_path / "shop", os.environ)
    wheel.run([*orchestrator, "init", "other", "--python"], tmp_path, os.environ)
    ran = subprocess.run([*orchestrator, "validate"], cwd=tmp_path / "other", capture_output=True, text=True)
    said = "definitions/welcome.py:6: it is built with the SDK for Step Functions: pip install "
    assert ran.stderr.startswith(said), ran.stderr
    assert ran.returncode == 2
    without = program.replace("'stepfunctions'", "'moto'")
    demo = [sys.executable, "-c", without, "demo"]
    ran = subprocess.run(demo, cwd=tmp_path / "shop", capture_output=True, text=True)
    assert ran.stderr == 'the embedded AWS is not installed: pip install "scheduled-task-orchestrator[local]"\n'


@pytest.mark.proof
@pytest.mark.parametrize("extras", ["local", "local,sdk"])
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_it_is_enough_in_an_empty_environment(
    version: str, extras: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = wheel.interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    environment["PATH"] = f"{tmp_path / 'env' / 'bin'}:{environment['PATH']}"
    began = time.monotonic()
    wheel.run([python, "-m", "venv", "env"], tmp_path, environment)
    installing = subprocess.run(
        ["env/bin/pip", "install", "--quiet", f"{built}[{extras}]"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if "No matching distribution" in installing.stderr or "Failed to establish" in installing.stderr:
        pytest.skip(f"pip finds no index: {installing.stderr.strip().splitlines()[-1]}")
    assert installing.returncode == 0, installing.stderr
    installed = time.monotonic() - began
    wheel.run(["orchestrator", "init", "shop"], tmp_path, environment)
    written = "definitions/welcome.py" if "sdk" in extras else "definitions/welcome.asl.yaml"
    assert (tmp_path / "shop" / written).exists()
    shown = wheel.run(["orchestrator", "demo"], tmp_path / "shop", environment)
    row = time.monotonic() - began
    assert re.search(r"^hello +\S+ +SUCCEEDED", shown, re.MULTILINE)
    assert re.search(r"^welcome +\S+ +SUCCEEDED", shown, re.MULTILINE)
    assert "2 passed" in wheel.run(["env/bin/python", "-m", "pytest", "-q", "shop"], tmp_path, environment)
    with capsys.disabled():
        click.echo(f"\nPython {version}, [{extras}]: installed in {installed:.0f} s, rows after {row:.0f} s in all")


@pytest.mark.proof
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_without_the_embedded_aws_it_is_small(
    version: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = wheel.interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    wheel.run([python, "-m", "venv", "--without-pip", "env"], tmp_path, os.environ)
    pip = [python, "-m", "pip", "--python", "env/bin/python", "install", "--quiet", str(built)]
    installing = subprocess.run(pip, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    if installing.returncode and "No matching distribution" in installing.stderr:
        pytest.skip(f"pip finds no index: {installing.stderr.strip().splitlines()[-1]}")
    assert installing.returncode == 0, installing.stderr
    size = sum(path.stat().st_size for path in (tmp_path / "env" / "lib").rglob("*") if path.is_file()) / 1e6
    with capsys.disabled():
        click.echo(f"\nPython {version}, without the embedded AWS: {size:.0f} MB")
    assert size < 150
