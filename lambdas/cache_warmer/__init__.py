"""Task ``lambda/cache-warmer``: fetches URLs, so that the caches in front of them are warm when people come.

A redirect is an answer and is not followed: name the URL that people end at. Link-local addresses, where AWS hands out
credentials, are never called, whatever name leads to them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, Field

from lambdas.cache_warmer.errors import CacheWarmingFailed
from lambdas.cache_warmer.fetching import Fetched, fetch_all
from orchestrator.errors import InvalidParameters
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import Result, logger, metrics, setting, task_handler
from orchestrator.stack import SITE_URL

TARGET = "lambda/cache-warmer"

#: What the answer takes after the last request.
MARGIN_SECONDS = 2.0


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
