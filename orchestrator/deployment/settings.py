"""What somebody chooses about a stack when deploying it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.deployment import subscribing
from orchestrator.runs.destinations import Destination


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """The settings of a stack. One that is None stays as it was deployed."""

    #: Who mail is from: an address that SES has verified.
    mail_from: str | None = None
    #: What relative URLs in params are relative to.
    site_url: str | None = None
    #: Called after each round of the watchdog, https only.
    heartbeat_url: str | None = None
    #: Whether the functions that handle failures have some concurrency for themselves.
    reserve_concurrency: bool | None = None
    #: What Standard executions log beside their history, one of :data:`orchestrator.deployment.observation.LEVELS`.
    log_level: str | None = None
    #: Whether X-Ray follows executions and functions.
    tracing: bool | None = None

    def parameters(self, destinations: Sequence[Destination]) -> dict[str, str]:
        """The template's parameters that are chosen, for alerts that go to ``destinations``."""
        given = {
            "AlertTopics": subscribing.topics(destinations),
            "MailFrom": self.mail_from,
            "SiteUrl": self.site_url,
            "HeartbeatUrl": self.heartbeat_url,
            "ReserveConcurrency": _boolean(self.reserve_concurrency),
            "LogLevel": self.log_level,
            "Tracing": _boolean(self.tracing),
        }
        return {name: value for name, value in given.items() if value is not None}


def _boolean(value: bool | None) -> str | None:
    """Returns a boolean as CloudFormation writes it."""
    return None if value is None else str(value).lower()


#: Nothing is chosen: all stays as it was deployed.
AS_DEPLOYED = StackSettings()
