"""The warmer: every URL with its status and latency, and no way to where credentials are."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from lambdas.cache_warmer import connections, handler, judge
from lambdas.cache_warmer.errors import CacheWarmingFailed
from lambdas.cache_warmer.fetching import Fetched, fetch_all
from orchestrator import stack as settings
from orchestrator.errors import InvalidParameters, NotConfigured
from orchestrator.testing.invocation import invoke


class Site(ThreadingHTTPServer):
    """A site on this machine, which counts who came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.visits: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        #: A page that opens when four ask for it at once.
        self.four = threading.Barrier(4, timeout=5)
        #: Until when the slow page is kept back.
        self.released = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some tests are about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Page(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.visits[self.path] += 1
        self.server.headers = dict(self.headers)
        name = self.path.partition("?")[0]
        if name == "/slow":
            self.server.released.wait(5)
        elif name == "/four":
            self.server.four.wait()
        elif name == "/broken":
            self.close_connection = True
            return
        status = {"/moved": 302, "/gone": 404, "/fault": 500}.get(name, 200)
        body = b"x" * (300_000 if name == "/large" else 10)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/target")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class's name
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv(settings.SITE_URL, f"{server.url}/shop/")
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def fetch(*urls: str, **options: Any) -> list[Fetched]:
    given: dict[str, Any] = {"site": "", "concurrency": 2, "timeout_seconds": 5, "seconds_left": lambda: 60.0} | options
    return fetch_all(urls, **given)


def test_each_url_has_its_status_and_latency_in_order(site: Site) -> None:
    urls = [f"{site.url}/a", f"{site.url}/gone", f"{site.url}/b"]
    result = invoke(handler, urls=urls, maxErrorRate=0.5)
    assert (result["fetched"], result["failed"]) == (3, 1)
    assert [(one["url"], one["status"]) for one in result["urls"]] == list(zip(urls, [200, 404, 200], strict=True))
    assert all(0 < one["milliseconds"] < 5000 for one in result["urls"])
    assert site.visits == {"/a": 1, "/gone": 1, "/b": 1}


def test_a_relative_url_is_one_of_the_site(site: Site) -> None:
    result = invoke(handler, urls=["index.html", "/top?a=1"])
    assert [one["url"] for one in result["urls"]] == ["index.html", "/top?a=1"]
    assert site.visits == {"/shop/index.html": 1, "/top?a=1": 1}


def test_the_compressed_page_is_warmed_that_browsers_ask_for(site: Site) -> None:
    invoke(handler, urls=["/a"])
    assert site.headers["Accept-Encoding"] == "gzip, deflate, br"


def test_urls_are_fetched_side_by_side(site: Site) -> None:
    urls = [f"{site.url}/four?{number}" for number in range(4)]
    assert [one.status for one in fetch(*urls, concurrency=4)] == [200] * 4


def test_a_page_that_does_not_answer_in_time_fails_alone(site: Site) -> None:
    slow, quick = fetch(f"{site.url}/slow", f"{site.url}/a", timeout_seconds=0.2)
    assert (slow.status, slow.failure) == (None, "no whole answer within 0.2 s")
    assert quick.status == 200


def test_a_page_that_goes_on_for_ever_fails_in_time(site: Site) -> None:
    seconds = count(step=4)  # each look at the clock finds it four seconds on
    (large,) = fetch(f"{site.url}/large", clock=lambda: float(next(seconds)))
    assert large.failure == "no whole answer within 5 s"


def test_a_redirect_is_an_answer_and_not_followed(site: Site) -> None:
    (moved,) = fetch(f"{site.url}/moved")
    assert (moved.status, moved.failure, site.visits) == (302, "", {"/moved": 1})


def test_a_connection_that_breaks_or_is_none_fails_with_a_reason(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        broken, closed = fetch(f"{site.url}/broken", f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert broken.failure.startswith("ProtocolError")
    assert closed.failure == "no connection"


def test_a_host_that_nobody_knows_fails_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (unknown,) = fetch("http://no-such-host.example/")
    assert unknown.failure == "unknown host"


def test_no_request_begins_that_could_outlast_the_function(site: Site) -> None:
    left = iter([6.0, 4.9])
    first, second = fetch(f"{site.url}/a", f"{site.url}/b", concurrency=1, seconds_left=lambda: next(left))
    assert (first.failure, second.failure) == ("", "not fetched: the function's own time was up")
    assert site.visits == {"/a": 1}


def test_failures_up_to_the_rate_are_reported_and_above_it_raised(site: Site) -> None:
    pages = [f"/{number}" for number in range(9)]
    assert invoke(handler, urls=[*pages, "/gone"])["failed"] == 1
    with pytest.raises(CacheWarmingFailed) as fault:
        invoke(handler, urls=[*pages[:8], "/gone", "/fault"])
    said = "2 of 10 URLs failed, allowed is a share of 0.1: /gone (404), /fault (500)"
    assert str(fault.value) == said


@pytest.mark.parametrize(
    ("failed", "rate", "raises"), [(29, 0.29, False), (30, 0.29, True), (100, 1, False), (1, 0, True)]
)
def test_the_rate_is_a_share_of_all_urls(failed: int, rate: float, raises: bool) -> None:
    fetched = [Fetched(url=str(n), status=500 if n < failed else 200, milliseconds=1) for n in range(100)]
    if raises:
        with pytest.raises(CacheWarmingFailed, match=f"{failed} of 100"):
            judge(fetched, rate)
    else:
        assert judge(fetched, rate)["failed"] == failed


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_where_credentials_are_handed_out_are_never_called(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(InvalidParameters, match="link-local address, where AWS hands out credentials"):
        invoke(handler, urls=[f"{scheme}://{host}/latest/meta-data/"], maxErrorRate=1)


def test_a_name_that_leads_elsewhere_the_second_time_is_sent_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This machine stands for the forbidden address, which no test can reach.
    monkeypatch.setattr(connections, "_METADATA", ipaddress.ip_address("127.0.0.1"))
    resolve = socket.getaddrinfo
    answers = iter(["192.0.2.1", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: resolve(next(answers), *a, **k))
    (fetched,) = fetch(f"http://elsewhere.example:{site.server_address[1]}/a")
    assert (fetched.refused, site.visits) == (True, {})


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"urls": []}, "params.urls: Tuple should have at least 1 item"),
        ({"urls": ["file:///etc/passwd"]}, "params.urls[0]: only http and https"),
        ({"urls": ["/a", "ftp://host/b"]}, "params.urls[1]: only http and https"),
        ({"urls": ["//host/a"]}, "params.urls[0]: write a whole URL"),
        ({"urls": ["http:/a"]}, "params.urls[0]: write a whole URL"),
        ({"urls": ["http://me:secret@host/"]}, "params.urls[0]: no user name and password"),
        ({"urls": ["http://[::1/"]}, "params.urls[0]: Invalid IPv6 URL"),
        ({"urls": ["/a"], "concurrency": 0}, "params.concurrency: "),
        ({"urls": ["/a"], "timeoutSeconds": 0}, "params.timeoutSeconds: "),
        ({"urls": ["/a"], "maxErrorRate": 1.5}, "params.maxErrorRate: "),
    ],
)
def test_wrong_params_are_refused(params: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidParameters) as fault:
        invoke(handler, **params)
    assert problem in str(fault.value)
    assert "secret" not in str(fault.value)


def test_a_relative_url_without_a_site_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SITE_URL, "")
    with pytest.raises(
        NotConfigured, match="SITE_URL is not set; deploy with a value for the stack's parameter SiteUrl"
    ):
        invoke(handler, urls=["/a"])
