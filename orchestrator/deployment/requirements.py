"""A project's ``requirements.txt``, resolved by pip for Lambda's platform into a lock list beside it.

The list is made when it is not there, and anew when ``requirements.txt`` has changed; it belongs into the repository,
so that every build has the same versions.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from orchestrator.deployment import pip
from orchestrator.deployment.wheels import Pin, Platform
from orchestrator.errors import InvalidProject

#: What Lambda's runtime has, and no bundle holds.
_OF_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "python-dateutil", "six"})


def locked(requirements: Path, platform: Platform, given: Sequence[Pin]) -> Path:
    """The lock list of a ``requirements.txt``, beside it; ``given`` is what every bundle holds anyway.

    Raises :class:`~orchestrator.errors.InvalidProject` where pip finds no versions that go together.
    """
    lock = requirements.with_suffix(".lock")
    first = f"# Of {requirements.name} {_digest(requirements, platform, given)}: a build writes it; commit it."
    if lock.exists() and (lock.read_text(encoding="utf-8").splitlines() or [""])[0] == first:
        return lock
    lines = [pin.to_line().replace(" --hash", " \\\n    --hash") for pin in _resolved(requirements, platform, given)]
    lock.write_text("\n".join([first, *lines, ""]), encoding="utf-8")
    return lock


def _digest(requirements: Path, platform: Platform, given: Sequence[Pin]) -> str:
    text = "\n".join([requirements.read_text(encoding="utf-8"), platform.folder, *map(str, given)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _resolved(requirements: Path, platform: Platform, given: Sequence[Pin]) -> list[Pin]:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("".join(f"{pin}\n" for pin in given))
        ran = pip.run(
            [
                *("install", "--dry-run", "--ignore-installed", "--report", "-", "--target", folder),
                *("--only-binary=:all:", *platform.options),
                *(f"--constraint={constraints}", f"--requirement={requirements}"),
            ]
        )
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR:")]
        said = errors[0] if errors else ran.stderr.strip()[-300:]
        raise InvalidProject([f"{requirements}: pip finds no wheels for {platform} ({said})"])
    known = {pin.name for pin in given} | _OF_THE_RUNTIME
    found = []
    for one in json.loads(ran.stdout)["install"]:
        name = one["metadata"]["name"].lower().replace("_", "-")
        digest = one["download_info"]["archive_info"]["hashes"]["sha256"]
        if name not in known:
            found.append(Pin(name=name, version=one["metadata"]["version"], hashes=(digest,)))
    return sorted(found, key=lambda pin: pin.name)
