"""Task ``lambda/cache-warmer``: fetches URLs, so that the caches in front of them are warm when people come.

A redirect is an answer and is not followed: name the URL that people end at. Link-local addresses, where AWS hands out
credentials, are never called, whatever name leads to them.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urljoin, urlsplit

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3 import exceptions as faults
from urllib3.connection import HTTPConnection, HTTPSConnection

from lambdas._invocation import Result, logger, metrics, setting, task_handler
from orchestrator.errors import CacheWarmingFailed, InvalidParameters
from orchestrator.events import Params, TaskEvent
from orchestrator.settings import SITE_URL

TARGET = "lambda/cache-warmer"

#: What the answer takes after the last request.
MARGIN_SECONDS = 2.0

#: Caches keep compressed pages apart from plain ones, and browsers ask for the former.
_HEADERS = {"Accept-Encoding": "gzip, deflate, br", "User-Agent": "cache-warmer"}

#: The address of the instance metadata service that is not a link-local one.
_METADATA = ipaddress.ip_address("fd00:ec2::254")

_CHUNK_BYTES = 65_536


def _is_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("", "http", "https"):
        raise ValueError("only http and https")
    if bool(parts.scheme) != bool(parts.hostname):
        raise ValueError("write a whole URL, https://host/path, or a path of the site, /path")
    if "@" in parts.netloc:
        raise ValueError("no user name and password: they would be in logs")
    return text


class WarmerParams(Params):
    #: Whole ones, or relative to the stack's site. A thousand results are what a state of Step Functions can hold.
    urls: tuple[Annotated[str, AfterValidator(_is_url)], ...] = Field(min_length=1, max_length=1000)
    concurrency: int = Field(default=8, ge=1, le=64)
    #: Of one request.
    timeout_seconds: float = Field(default=5, gt=0, le=60)
    #: The share of URLs that may fail.
    max_error_rate: float = Field(default=0.1, ge=0, le=1)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of one URL."""

    url: str
    milliseconds: float
    status: int | None = None
    #: Why there is no status, or no whole answer.
    error: str = ""
    refused: bool = False

    @property
    def failure(self) -> str:
        """Empty if the URL is warm now."""
        return self.error or (str(self.status) if self.status is None or self.status >= 400 else "")


class AddressRefused(faults.HTTPError):
    """The connection would lead to a link-local address."""


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        with suppress(socket.gaierror):  # the connection itself says so
            for *_, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
                _refuse_link_local(str(address[0]))
        connected = super()._new_conn()
        try:
            # A name can lead elsewhere the second time. Nothing has been sent yet.
            _refuse_link_local(connected.getpeername()[0])
        except AddressRefused:
            connected.close()
            raise
        return connected


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _refuse_link_local(address: str) -> None:
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_link_local or found == _METADATA:
        raise AddressRefused(f"{found} is a link-local address")


@task_handler(TARGET, WarmerParams)
def handler(event: TaskEvent[WarmerParams], context: LambdaContext) -> Result:
    params = event.params
    relative = any(not urlsplit(url).scheme for url in params.urls)
    site = setting(SITE_URL, "SiteUrl") if relative else os.environ.get(SITE_URL, "")
    fetched = fetch_all(
        params.urls,
        site=site,
        concurrency=params.concurrency,
        timeout_seconds=params.timeout_seconds,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS,
    )
    warm = sum(not one.failure for one in fetched)
    metrics.add_metric("UrlsWarmed", MetricUnit.Count, warm)
    metrics.add_metric("UrlsFailed", MetricUnit.Count, len(fetched) - warm)
    logger.info(f"Warmed {warm} of {len(fetched)} URLs", action="cache_warmed")
    return judge(fetched, params.max_error_rate)


def judge(fetched: Sequence[Fetched], max_error_rate: float) -> Result:
    """The task's result, from what came of each URL.

    Raises :class:`InvalidParameters` if a URL leads where none may, and :class:`CacheWarmingFailed` above the rate.
    """
    if refused := [f"urls: {one.url}: {one.error}, where AWS hands out credentials" for one in fetched if one.refused]:
        raise InvalidParameters(TARGET, refused)
    failures = [f"{one.url} ({one.failure})" for one in fetched if one.failure]
    # A quotient: 0.29 * 100 is a little less than 29.
    if len(failures) / len(fetched) > max_error_rate:
        raise CacheWarmingFailed(failures, len(fetched), max_error_rate)
    return {
        "fetched": len(fetched),
        "failed": len(failures),
        "urls": [
            {"url": one.url, "status": one.status, "milliseconds": one.milliseconds}
            | ({"error": one.error} if one.error else {})
            for one in fetched
        ],
    }


def fetch_all(
    urls: Sequence[str],
    *,
    site: str,
    concurrency: int,
    timeout_seconds: float,
    seconds_left: Callable[[], float],
    clock: Callable[[], float] = time.monotonic,
) -> list[Fetched]:
    """What came of each URL, in their order. No request begins that could last beyond ``seconds_left()``."""
    pools = PoolManager(num_pools=64, maxsize=concurrency, retries=False, headers=_HEADERS)
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def fetch(url: str) -> Fetched:
        began = clock()
        status, error, refused = None, "", False
        try:
            if seconds_left() < timeout_seconds:
                raise _OutOfTime
            status = _fetch(pools, urljoin(site, url), timeout_seconds, clock)
        except (faults.HTTPError, OSError, ValueError) as fault:
            error, refused = _explained(fault, timeout_seconds), isinstance(fault, AddressRefused)
        return Fetched(
            url=url, status=status, error=error, refused=refused, milliseconds=round((clock() - began) * 1000, 1)
        )

    with pools, ThreadPoolExecutor(max_workers=concurrency) as threads:
        return list(threads.map(fetch, urls))


class _OutOfTime(faults.HTTPError):
    pass


class _TooSlow(faults.TimeoutError):
    pass


def _fetch(pools: PoolManager, url: str, timeout_seconds: float, clock: Callable[[], float]) -> int:
    deadline = clock() + timeout_seconds
    answer = pools.request(
        "GET", url, timeout=Timeout(total=timeout_seconds), redirect=False, preload_content=False, decode_content=False
    )
    try:
        # The timeout of a read begins anew with every byte, the deadline does not.
        while answer.read1(_CHUNK_BYTES, decode_content=False):
            if clock() > deadline:
                raise _TooSlow
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return answer.status


def _explained(fault: Exception, timeout_seconds: float) -> str:
    match fault:
        case AddressRefused():
            return str(fault)
        case _OutOfTime():
            return "not fetched: the function's own time was up"
        case faults.TimeoutError():
            return f"no whole answer within {timeout_seconds:g} s"
        case faults.NameResolutionError():
            return "unknown host"
        case faults.NewConnectionError():
            return "no connection"
        case _:
            return f"{type(fault).__name__}: {fault}"[:200]
