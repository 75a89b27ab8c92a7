"""What functions depend on: what of it is in bundles, and that the lists agree."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import PROJECT
from lambdas import functions
from orchestrator.deployment import Dependencies
from orchestrator.deployment.wheels import Platform
from orchestrator.errors import MissingWheels
from tests.testbed.wheelhouse import LAMBDA, Wheelhouse, pin

ROOT = Path(functions.__file__).parent.parent


def of(cache: Path, **hashes: str) -> Dependencies:
    """Version 1.0 of each."""
    pins = tuple(pin(name, "1.0", digest) for name, digest in hashes.items())
    return Dependencies(pins=pins, platform=LAMBDA, cache=cache)


def test_what_interpreters_do_not_read_is_left_out(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    names = [
        "fast/__init__.py",
        "fast/__init__.pyi",
        "fast/loop.c",
        "fast/loop.h",
        "fast/loop.pxd",
        "fast/loop.pyx",
        "fast/loop.cpython-313-aarch64-linux-gnu.so",
        "fast/tests/__init__.py",
        "fast/tests/test_loop.py",
        "fast/tests.py",
        "fast/data/zone",
        "fast-1.0.data/scripts/fast",
        "fast-1.0.data/data/share/man/fast.1",
        "fast-1.0.data/purelib/faster/__init__.py",
        "fast-1.0.data/platlib/fastest.py",
        "fast-1.0.dist-info/licenses/LICENSE",
    ]
    _, digest = wheelhouse.add("fast", "1.0", files=dict.fromkeys(names, "x"))
    assert sorted(of(tmp_path / "cache", fast=digest).files()) == [
        "fast-1.0.dist-info/METADATA",
        "fast-1.0.dist-info/RECORD",
        "fast-1.0.dist-info/WHEEL",
        "fast-1.0.dist-info/licenses/LICENSE",
        "fast/__init__.py",
        "fast/data/zone",
        "fast/loop.cpython-313-aarch64-linux-gnu.so",
        "fast/tests.py",
        "faster/__init__.py",
        "fastest.py",
    ]


def test_what_is_not_needed_is_not_fetched(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    _, digest = wheelhouse.add("fast", "1.0")
    both = of(tmp_path / "cache", fast=digest, gone="0" * 64)
    assert "fast.py" in both.without({"gone"}).files()
    with pytest.raises(MissingWheels) as caught:
        both.files()
    assert caught.value.wanted == ["gone==1.0"]


def test_a_digest_is_known_before_anything_is_fetched_and_says_what_would_be(tmp_path: Path) -> None:
    one = of(tmp_path, fast="0" * 64)
    others = [
        of(tmp_path, fast="1" * 64),
        of(tmp_path, fast="0" * 64, more="0" * 64),
        replace(one, pins=(pin("fast", "1.1", "0" * 64),)),
        replace(one, platform=Platform(python="3.14", machine="aarch64")),
    ]
    assert one.digest == of(tmp_path / "elsewhere", fast="0" * 64).digest
    assert len({one.digest, *(other.digest for other in others)}) == 5


def test_functions_have_the_versions_that_the_tests_have() -> None:
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    pinned = {line.split(" ", 1)[0]: set(re.findall(r"sha256:(\w+)", line)) for line in text.splitlines()}
    for one in PROJECT.locked_dependencies().pins:
        assert pinned[str(one)] == set(one.hashes)


def test_functions_have_what_the_project_depends_on_but_not_what_the_runtime_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[^a-z0-9-]", one)[0] for one in project}
    pinned = {one.name for one in PROJECT.locked_dependencies().pins}
    # What an operator types with, and no function imports.
    typed = {"click", "pyyaml", "rich"}
    assert names - pinned == {"boto3"} | typed
    assert not pinned & {"boto3", "botocore", "s3transfer", "pillow"}


def test_what_a_function_names_is_pinned() -> None:
    named = {name for function in functions.SETTINGS.values() for name in function.dependencies}
    assert named
    assert named <= {one.name for one in PROJECT.locked_dependencies().pins}
