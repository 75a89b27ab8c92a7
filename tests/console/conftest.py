"""A console that answers, before a deployed stack that has run some tasks."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from orchestrator.cli.connection import Connection
from orchestrator.cli.console import pages
from orchestrator.cli.faults import explain
from orchestrator.console.application import Console, application
from orchestrator.console.server import served
from orchestrator.dynamodb import to_item
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from tests.testbed.deployed import STACK, deployed
from tests.testbed.task_runner import workflow

SLOT = "2026-11-02T08:00:00Z"

#: What nobody calls a task, a reason or a result.
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e&amp;'\""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    text: str
    headers: http.client.HTTPMessage


@dataclass(frozen=True, kw_only=True)
class Browser:
    """Asks a console as a browser does; ``calls`` are the operations of AWS that it has asked for."""

    address: str
    token: str
    connection: Connection
    calls: list[str]
    #: While there is such a file, AWS does not answer.
    cut: Path

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        given = {"Origin": self.address.rstrip("/"), "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.ask("POST", path, urlencode(form), given)

    def act(self, action: str, **form: str) -> Answer:
        return self.post(f"/actions/{action}", {"token": self.token, **form})

    def ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        self.calls.clear()
        asking = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        try:
            asking.request(method, path, body, headers)
            answer = asking.getresponse()
            return Answer(status=answer.status, text=answer.read().decode(), headers=answer.headers)
        finally:
            asking.close()


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> Iterator[None]:
    with deployed(embedded_aws, nested=workflow()):
        yield


@pytest.fixture(scope="module")
def browser(stack: None, embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One that may act, in a folder that is no project."""
    folder = tmp_path_factory.mktemp("no-project")
    connection = Connection(STACK, folder)
    cut = folder / "cut"
    calls: list[str] = []

    def unless_cut(**_: Any) -> None:
        if cut.exists():
            raise EndpointConnectionError(endpoint_url=embedded_aws.endpoint)

    connection._session.events.register("before-call", lambda model, **_: calls.append(model.name))
    connection._session.events.register("before-call", unless_cut)
    shown = replace(pages(connection, allow_actions=True), pause=0.6)
    console = Console(deployed=connection, pages=shown, explain=explain)
    with served(lambda: application(console), 0) as address:
        yield Browser(address=address, token=shown.guard.token, connection=connection, calls=calls, cut=cut)


@pytest.fixture
def ledger(embedded_aws: EmbeddedAws, stack: None) -> Ledger:
    return Ledger(embedded_aws.client("dynamodb"), STACK)


@pytest.fixture
def registry(embedded_aws: EmbeddedAws, stack: None) -> Registry:
    return Registry(embedded_aws.client("dynamodb"), STACK)


@pytest.fixture
def put_row(embedded_aws: EmbeddedAws, stack: None) -> Callable[..., None]:
    """Puts a row; attributes beyond the key are texts and numbers."""

    def put(task_id: str, slot: str, status: str, **attributes: Any) -> None:
        row = {"taskId": task_id, "slot": slot, "status": status, "startedAt": slot, **attributes}
        item = to_item(row)
        embedded_aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item)

    return put
