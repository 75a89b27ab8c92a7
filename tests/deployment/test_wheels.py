"""Wheels: pinned, of another platform, and from the network once at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.deployment.template import ARCHITECTURE, RUNTIME
from orchestrator.deployment.wheels import Pin, Platform, read_lock, wheels
from orchestrator.errors import InvalidLockList, MissingWheels
from tests.testbed.wheelhouse import LAMBDA, Wheelhouse, pin

A, B = "a" * 64, "b" * 64


def lock(folder: Path, text: str) -> Path:
    file = folder / "requirements.lock"
    file.write_text(text)
    return file


def test_a_lock_list_pins_versions_and_files(tmp_path: Path) -> None:
    text = f"# made by uv\nsix==1.17.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n"
    text += f"typing-extensions==4.16.0 --hash=sha256:{B}\n"
    assert read_lock(lock(tmp_path, text)) == (
        Pin(name="six", version="1.17.0", hashes=(A, B)),
        Pin(name="typing-extensions", version="4.16.0", hashes=(B,)),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("six==1.17.0", "six==1.17.0"),
        (f"six>=1 --hash=sha256:{A}", "six>=1"),
        (f"six==1.17.0 ; python_version < '3' --hash=sha256:{A}", "six==1.17.0 ; python_version < '3'"),
        (f"six==1.17.0 --hash=md5:{A}", "six==1.17.0"),
    ],
)
def test_a_line_that_leaves_anything_open_is_refused(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidLockList) as caught:
        read_lock(lock(tmp_path, f"typing-extensions==4.16.0 --hash=sha256:{B}\n{line}\n"))
    assert f"requirements.lock: {said}: expected NAME==VERSION with hashes" in str(caught.value)


def test_the_platform_is_what_the_template_says() -> None:
    assert str(Platform.of_lambda(RUNTIME, ARCHITECTURE)) == "Python 3.13 on aarch64"
    assert str(Platform.of_lambda("python3.12", "x86_64")) == "Python 3.12 on x86_64"


def test_a_wheel_is_for_the_platform_and_not_for_this_machine(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    hashes = [
        wheelhouse.add("fast", "1.0", tag)[1]
        for tag in (
            "cp311-cp311-manylinux_2_28_aarch64",
            "cp313-cp313-manylinux_2_28_x86_64",
            "cp313-cp313-manylinux_2_28_aarch64",
            "cp313-cp313-manylinux_2_35_aarch64",
            "cp313-cp313-musllinux_1_2_aarch64",
            "cp313-cp313-macosx_11_0_arm64",
            "py3-none-any",
        )
    ]
    found = wheels([pin("fast", "1.0", *hashes)], LAMBDA, tmp_path / "cache")
    assert {name: path.name for name, path in found.items()} == {
        "fast": "fast-1.0-cp313-cp313-manylinux_2_28_aarch64.whl"
    }


@pytest.mark.parametrize(
    "tag",
    [
        "manylinux_2_34_aarch64",
        *(pytest.param(f"manylinux{one}_aarch64", marks=pytest.mark.proof) for one in ("2014", "_2_17")),
    ],
)
def test_every_glibc_up_to_the_runtimes_own_will_do(tag: str, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    _, digest = wheelhouse.add("fast", "1.0", f"cp313-cp313-{tag}")
    assert wheels([pin("fast", "1.0", digest)], LAMBDA, tmp_path / "cache").keys() == {"fast"}


def test_a_wheel_that_is_there_needs_no_index(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    path, digest = wheelhouse.add("fast", "1.0")
    pins = [pin("fast", "1.0", digest)]
    first = wheels(pins, LAMBDA, tmp_path / "cache")
    path.unlink()
    assert wheels(pins, LAMBDA, tmp_path / "cache") == first


def test_a_wheel_that_was_cut_off_is_fetched_again(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    path, digest = wheelhouse.add("fast", "1.0")
    pins = [pin("fast", "1.0", digest)]
    (held,) = wheels(pins, LAMBDA, tmp_path / "cache").values()
    held.write_bytes(path.read_bytes()[:100])
    assert wheels(pins, LAMBDA, tmp_path / "cache") == {"fast": held}
    assert held.read_bytes() == path.read_bytes()


def test_a_wheel_with_another_hash_is_not_taken(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.add("fast", "1.0")
    with pytest.raises(MissingWheels, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        wheels([pin("fast", "1.0", A)], LAMBDA, tmp_path / "cache")
    assert list((tmp_path / "cache").rglob("*.whl")) == []


def test_what_cannot_be_had_is_named_with_what_to_try(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    _, digest = wheelhouse.add("fast", "1.0")
    with pytest.raises(MissingWheels) as caught:
        wheels([pin("fast", "1.0", digest), pin("gone", "2.0", A)], LAMBDA, tmp_path / "cache")
    said = str(caught.value)
    assert (
        f"{tmp_path / 'cache' / 'python3.13-aarch64'} has no wheel for Python 3.13 on aarch64 of fast==1.0 and 1 more, "
        in said
    )
    assert "ERROR: No matching distribution found for gone==2.0" in said
    assert "is the network up, and pip's index the one that has them?" in said
    assert "copy the folder from where `orchestrator fetch` has filled it" in said


@pytest.mark.proof
def test_two_platforms_do_not_share_a_wheel(wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    hashes = [wheelhouse.add("fast", "1.0", f"cp313-cp313-manylinux_2_28_{one}")[1] for one in ("aarch64", "x86_64")]
    pins = [pin("fast", "1.0", *hashes)]
    names = [
        path.name
        for machine in ("aarch64", "x86_64")
        for path in wheels(pins, Platform(python="3.13", machine=machine), tmp_path / "cache").values()
    ]
    assert names == [
        "fast-1.0-cp313-cp313-manylinux_2_28_aarch64.whl",
        "fast-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    ]
