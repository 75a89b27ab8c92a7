"""A build: everything that would be deployed, as files, without AWS."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from orchestrator.deployment.application import Application
from orchestrator.errors import NotABuild

#: What a build writes, and so what it may replace.
_CONTENTS = frozenset({"definitions", "lambdas", "policies", "template.json"})


def build(application: Application, out: Path) -> None:
    """Writes ``definitions/NAME.asl.json``, ``lambdas/NAME.zip``, ``policies/ROLE.json`` and ``template.json``.

    The same sources give the same bytes. ``out`` is replaced as a whole when all is written. Raises
    :class:`~orchestrator.errors.NotABuild` if it holds anything else, InvalidDefinition and MissingWheels.
    """
    application.validate()
    out = out.absolute()
    if strangers := sorted({path.name for path in out.iterdir()} - _CONTENTS) if out.exists() else []:
        raise NotABuild(str(out), strangers[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its destination, so that moving it there is a rename.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        written, replaced = Path(folder, "new"), Path(folder, "old")
        _write(application, written)
        if out.exists():
            out.rename(replaced)
        written.rename(out)


def to_text(value: Any) -> str:
    """JSON for files that people read and compare."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write(application: Application, folder: Path) -> None:
    template = application.template
    # What the template has inside, once more for who reviews permissions and nothing else.
    roles = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    files = {
        "template.json": to_text(template).encode(),
        **{f"definitions/{name}.asl.json": d.to_json().encode() for name, d in application.definitions.items()},
        **{f"policies/{name}.json": to_text(role).encode() for name, role in roles.items()},
        **{f"lambdas/{bundle.name}.zip": bundle.to_zip() for bundle in application.bundles().values()},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
