"""What a function or a state machine may do, by logical names of resources."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on one resource, which goes by a logical name.

    ``data-bucket`` is the data bucket itself and ``data-bucket:orders/*`` its objects, ``table:Sessions`` a table and
    ``table:TaskRuns/index/StatusIndex`` an index of one, ``ses`` the sending of mail as the stack's sender,
    ``ses:events`` that of mail which leaves events, ``mail-events`` what SES has said of mails, ``alerts`` the topic
    of alerts, ``workflow:billing-page`` a nested workflow that another one starts and waits for, ``task-runner`` and
    ``task-runner:executions`` TaskRunner and its executions, ``metrics`` the project's metrics, ``queue:Courier`` a
    queue of the template, ``parameters:secrets/*`` parameters of Systems Manager below the stack's path,
    ``secrets`` the stack's secrets of Secrets Manager, and ``alert-topics`` the topics that tasks.yaml sends alerts to.
    """

    actions: tuple[str, ...]
    resource: str
