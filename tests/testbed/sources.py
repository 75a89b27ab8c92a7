"""Functions of the embedded AWS, made of the source of one module."""

from __future__ import annotations

import io
import zipfile
from typing import Any


def zipped(source: str) -> bytes:
    """Returns a bundle whose module ``handlers`` has this source."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("handlers.py", source)
    return bundle.getvalue()


def create(client: Any, name: str, source: str, role: str, **more: Any) -> str:
    """Creates a function, of Lambda's ``client``, whose handler is ``handler`` of the source. Returns its ARN."""
    asked = {"FunctionName": name, "Runtime": "python3.13", "Role": role, "Handler": "handlers.handler", **more}
    return str(client.create_function(**asked, Code={"ZipFile": zipped(source)})["FunctionArn"])
