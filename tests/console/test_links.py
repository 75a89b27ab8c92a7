"""Addresses of pages, and names of their copies."""

from __future__ import annotations

from orchestrator.console.links import FileLinks, Links


def test_addresses_quote_what_a_task_is_called() -> None:
    links = Links()
    assert links.page("") == "/"
    assert links.page("timeline", hours="3", until="") == "/timeline?hours=3"
    assert links.task("a/b?c#d") == "/tasks/a%2Fb%3Fc%23d"
    assert links.run("report", "2026-12-01T08:00:00Z") == "/tasks/report/slots/2026-12-01T08:00:00Z"


def test_files_lie_beside_each_other_whatever_a_task_is_called() -> None:
    links = FileLinks(runs=frozenset({("../a", "2026-12-01T08:00:00Z")}))
    assert [links.page(""), links.page("ledger"), links.static("console.css")] == [
        "index.html",
        "ledger.html",
        "console.css",
    ]
    assert links.task("../a") == "task-.._a.html"
    assert links.run("../a", "2026-12-01T08:00:00Z") == "run-.._a-2026-12-01T08_00_00Z.html"


def test_a_run_that_a_copy_does_not_hold_is_linked_to_its_task() -> None:
    assert FileLinks().run("report", "2026-12-01T08:00:00Z") == "task-report.html"
