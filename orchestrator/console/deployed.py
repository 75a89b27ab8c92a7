"""What the console needs of a deployed stack."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from orchestrator.stack import Stack

if TYPE_CHECKING:
    from orchestrator.clients import Clients
    from orchestrator.operations.approving import Approving
    from orchestrator.stores.backfills import Backfills
    from orchestrator.stores.executions import Runner
    from orchestrator.stores.function_logs import FunctionLogs
    from orchestrator.stores.histories import Histories
    from orchestrator.stores.ledger import Ledger
    from orchestrator.stores.recorder import Recorder
    from orchestrator.stores.registry import Registry


class Deployed(Protocol):
    """A stack, its stores and its clock: what every command has, too."""

    @property
    def stack(self) -> Stack: ...
    @property
    def client(self) -> Clients: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def recorder(self) -> Recorder: ...
    @property
    def runner(self) -> Runner: ...
    @property
    def histories(self) -> Histories: ...
    @property
    def function_logs(self) -> FunctionLogs: ...

    @property
    def backfills(self) -> Backfills: ...
    @property
    def approving(self) -> Approving: ...

    def now(self) -> datetime:
        """Returns the stack's time in UTC."""
        ...

    def who(self) -> str:
        """Whoever looks, as AWS knows them."""
        ...
