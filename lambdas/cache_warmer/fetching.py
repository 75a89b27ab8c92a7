"""URLs, fetched side by side and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin

from urllib3 import PoolManager, Timeout
from urllib3 import exceptions as faults

from lambdas.cache_warmer.connections import AddressRefused, guarded_pools

#: Caches keep compressed pages apart from plain ones, and browsers ask for the former.
_HEADERS = {"Accept-Encoding": "gzip, deflate, br", "User-Agent": "cache-warmer"}

_CHUNK_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The result of one URL."""

    url: str
    milliseconds: float
    status: int | None = None
    #: Why there is no status, or no whole answer.
    error: str = ""
    refused: bool = False

    @property
    def failure(self) -> str:
        """Empty if the URL is warm now."""
        return self.error or (str(self.status) if self.status and self.status >= 400 else "")


def fetch_all(
    urls: Sequence[str],
    *,
    site: str,
    concurrency: int,
    timeout_seconds: float,
    seconds_left: Callable[[], float],
    clock: Callable[[], float] = time.monotonic,
) -> list[Fetched]:
    """Fetches each URL. Returns the results in order. No request begins that could last beyond ``seconds_left()``."""
    pools = guarded_pools(concurrency=concurrency, headers=_HEADERS)

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
        case faults.NameResolutionError():
            return "unknown host"
        case faults.NewConnectionError():
            return "no connection"
        case faults.TimeoutError():
            return f"no whole answer within {timeout_seconds:g} s"
        case _:
            return f"{type(fault).__name__}: {fault}"[:200]
