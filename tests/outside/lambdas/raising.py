"""A target that raises errors of its own making; param ``file`` gets a line for each call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.errors import NonRetryableError


class Hopeless(NonRetryableError):
    """One of a user, that no build of ours has seen."""


#: Called as Step Functions calls a fault of Lambda itself.
NamesakeOfLambda = type("Lambda.ServiceException", (Exception,), {})


def handler(event: dict[str, Any], context: object) -> Any:
    with Path(event["params"]["file"]).open("a", encoding="utf-8") as file:
        file.write("called\n")
    raise {"hopeless": Hopeless, "namesake": NamesakeOfLambda}[event["params"]["error"]]("as it was told to")
