"""Builds and deploys this repository: `deploy.py build` needs no AWS, `deploy.py apply` changes it.

Every command is one of `orchestrator` as well; here they are on their own, for the project that this file lies in.

Exit codes: 0 done; 1 it failed, or bad input, or something that `prove` has asked does not hold; 2 a plan that holds
something to do, and nothing else, or something that `prove` has asked was not answered; 3 AWS cannot be reached or
refuses; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    from orchestrator.cli.deployments import deployments, run
    from orchestrator.deployment import Project
except ModuleNotFoundError as fault:
    sys.exit(
        f"{sys.executable} lacks {fault.name}: run `make setup`, and then `.venv/bin/python deploy.py`;"
        " or, where the library is installed, type `orchestrator` instead of `python deploy.py`"
    )

#: What is built and deployed here.
PROJECT = Project(root=Path(__file__).absolute().parent)

deploy = deployments(PROJECT)


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    return run(deploy, arguments)


if __name__ == "__main__":
    sys.exit(main())
