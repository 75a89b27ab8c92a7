"""The console as an application of a web server: which address shows which page, and who may ask."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.console.actions import asked
from orchestrator.console.deployed import Deployed
from orchestrator.console.grid import By, Filter
from orchestrator.console.guard import HEADERS, Guard
from orchestrator.console.pages import Pages
from orchestrator.console.span import LENGTHS
from orchestrator.errors import NoRunOfSlot, OrchestratorError, UnknownBackfill, UnknownTask

STATIC = Path(__file__).parent / "static"

#: Bytes of a form; a reason is a line.
_LARGEST_FORM = 20_000

_MOST_HOURS = 48

_NOT_FOUND, _REFUSED, _BAD, _CONFLICT, _AWS, _OURS = 404, 403, 400, 409, 502, 500

#: A question of a page: its answer as HTML.
_Answer = Callable[[Request], str]


@dataclass(frozen=True, kw_only=True)
class Console:
    """The parts of the web application."""

    deployed: Deployed
    pages: Pages
    #: Why AWS has not answered, in words, and what to try.
    explain: Callable[[BotoCoreError | ClientError], str] = str

    @property
    def guard(self) -> Guard:
        return self.pages.guard


def application(console: Console) -> Starlette:
    """Answers for one stack."""
    shown: Mapping[str, _Answer] = {
        "/": lambda request: _overview(console.pages, request),
        "/cell": lambda request: _cell(console.pages, request),
        "/tasks/{task}": lambda request: console.pages.task(request.path_params["task"]),
        "/tasks/{task}/slots/{slot}": lambda request: console.pages.run(
            request.path_params["task"], request.path_params["slot"]
        ),
        "/timeline": lambda request: _timeline(console.pages, request),
        "/failures": lambda request: console.pages.failures(),
        "/ledger": lambda request: console.pages.ledger(),
        "/deployments": lambda request: console.pages.deployments(),
        "/local": lambda request: console.pages.local(),
        "/backfills/{name}": lambda request: console.pages.backfill(request.path_params["name"]),
    }
    return Starlette(
        routes=[
            *(Route(path, _page(answer, console.pages)) for path, answer in shown.items()),
            Route("/actions/{name}", _action(console), methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(_Guarded, console=console)],
        exception_handlers=_faults(console),
    )


class _Guarded:
    """Answers what the guard lets through, and says with each answer what a browser may do with it."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        # A WebSocket, which nothing here opens, is refused as what is no GET.
        refusal = self._console.guard.refusal(scope.get("method", scope["type"]), headers)
        if refusal is None:
            await self._app(scope, receive, sent)
        else:
            page = HTMLResponse(self._console.pages.message("Refused", refusal), _REFUSED)
            await page(scope, receive, sent)


def _page(answer: _Answer, pages: Pages) -> Callable[[Request], Response]:
    """Makes an endpoint, which Starlette runs in a thread. It sends an unchanged page only once (ETag)."""

    def endpoint(request: Request) -> Response:
        with pages.reading.units.counted() as read:
            text = answer(request)
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache", "X-Read-Units": f"{read.units:g}"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    return endpoint


def _overview(pages: Pages, request: Request) -> str:
    given = request.query_params
    wanted = Filter(**{name: given.get(name, "") for name in ("owner", "tag", "status", "text")})
    by = By(_one_of(given.get("by", By.OWNER), By))
    return pages.overview(_one_of(given.get("span", "day"), LENGTHS), wanted, by)


def _cell(pages: Pages, request: Request) -> str:
    given = request.query_params
    since = _moment(given.get("since", ""))
    length = timedelta(seconds=_number(given.get("seconds", ""), 31 * 86_400))
    if since is None:
        raise HTTPException(_BAD, "The address names no moment.")
    return pages.cell(given.get("task", ""), since, length)


def _timeline(pages: Pages, request: Request) -> str:
    given = request.query_params
    return pages.timeline(_number(given.get("hours", "6"), _MOST_HOURS), _moment(given.get("until", "")))


def _one_of(given: str, known: Iterable[str]) -> str:
    names = list(known)
    if given not in names:
        raise HTTPException(_BAD, f"Expected one of {', '.join(names)}, found {given!r}.")
    return given


def _number(given: str, most: int) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 9 or not 0 < int(given) <= most:
        raise HTTPException(_BAD, f"Expected a number from 1 to {most}, found {given!r}.")
    return int(given)


def _moment(given: str) -> datetime | None:
    """Reads a moment of a query, in UTC; None if the query has none."""
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise HTTPException(_BAD, f"Expected a moment like 2026-12-01T08:00:00Z, found {given!r}.") from None


def _action(console: Console) -> Callable[[Request], Awaitable[Response]]:
    """Shows what an action would do, and does it where the form says that this was seen."""

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_FORM:
                raise HTTPException(_BAD, "The form is too long.")
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
        if not console.guard.holds(fields.get("token", "")):
            raise HTTPException(_REFUSED, "The form is not of this console: load the page again.")
        return HTMLResponse(await run_in_threadpool(_act, console, request.path_params["name"], fields))

    return endpoint


def _act(console: Console, name: str, fields: Mapping[str, str]) -> str:
    action, needed = asked(name, fields)
    if fields.get("confirmed") != "yes":
        effects, said = action.effects(console.deployed, needed), action.command(console.deployed, needed)
        return console.pages.confirm(name, action, needed, effects, said)
    said = action.command(console.deployed, needed)
    done = action.do(console.deployed, needed)
    console.pages.reading.forget()
    return console.pages.message(done, f"The same by command: {said}", console.pages.after(needed))


def _faults(console: Console) -> dict[int | type[Exception], Callable[[Request, Exception], Response]]:
    """Handlers that show an error as a page."""

    def said(request: Request, title: str, text: str, status: int) -> Response:
        return HTMLResponse(console.pages.message(title, text, retried=request.method == "GET"), status)

    def of_aws(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, BotoCoreError | ClientError)
        refused = isinstance(fault, ClientError)
        title = "AWS refuses" if refused else "AWS does not answer"
        return said(request, title, console.explain(fault), _AWS)

    def of_http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        title = "There is no such page" if fault.status_code == _NOT_FOUND else "Not so"
        return said(request, title, fault.detail, fault.status_code)

    return {
        BotoCoreError: of_aws,
        ClientError: of_aws,
        HTTPException: of_http,
        UnknownTask: lambda request, fault: said(request, "There is no such task", str(fault), _NOT_FOUND),
        UnknownBackfill: lambda request, fault: said(request, "There is no such backfill", str(fault), _NOT_FOUND),
        NoRunOfSlot: lambda request, fault: said(request, "There is no such run", str(fault), _NOT_FOUND),
        OrchestratorError: lambda request, fault: said(request, "That cannot be done", str(fault), _CONFLICT),
        Exception: lambda request, fault: said(
            request, "A mistake of the console", f"{type(fault).__name__}: {fault}", _OURS
        ),
    }
