"""Going back to an older version of a state machine. What was deployed stays; the next apply goes forward again."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.clients import Clients
from orchestrator.deployment.application import Application
from orchestrator.deployment.boundaries import live_aliases
from orchestrator.deployment.publishing import roll_back
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.template import TASK_RUNNER
from orchestrator.errors import NotDeployed


def rollback(
    clients: Clients,
    application: Application,
    *,
    state_machine: str = TASK_RUNNER,
    to: int | None = None,
    progress: Callable[[str], object] = lambda line: None,
) -> int:
    """Moves a state machine's alias to the version ``to``, or to the one before what runs; which it was.

    ``state_machine`` is a name of ``application.definitions``. Raises :class:`~orchestrator.errors.NotDeployed` and
    :class:`~orchestrator.errors.NoSuchVersion`.
    """
    stack = application.stack
    deployed = CloudFormationStack(clients("cloudformation"), stack.name).describe()
    if deployed is None or "TaskRunnerArn" not in deployed.outputs:
        raise NotDeployed(stack.name)
    name = stack.state_machine(state_machine)
    (alias,) = (one for one in live_aliases(clients, application, deployed.outputs) if one.name == name)
    return roll_back(alias, to, progress)
