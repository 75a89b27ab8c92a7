"""What the documentation says comes true: its files are written, its commands typed, its links followed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.taskfile.reader import load
from orchestrator.tasks.limits import Limit
from tests.docs.pages import Command, WrittenFile, anchors, differs, links, pages, steps
from tests.docs.reader import Reader, reader
from tests.testbed import ROOT
from tests.testbed.typed import Shell

#: Pages with commands to type, but for the README, whose two take a minute and are what CI and its reader begin with.
FOLLOWED = [page for page in pages()[1:] if any(isinstance(step, Command) for step in steps(page))]

#: An example is a project of its own.
EXAMPLES = [page for page in FOLLOWED if "examples" in page.parts]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def place(page: Path) -> tuple[bool, bool, str]:
    """The tutorial starts `orchestrator local`, and counts the tasks that there are; what adds to them comes last."""
    adds = any(isinstance(step, WrittenFile) for step in steps(page))
    return page.name != "tutorial.md", adds, name(page)


#: Long pages that the proof follows: tests/test_events.py, tests/test_inbound.py and tests/cli do what they say.
LONG = ("events.md", "rerun-and-backfill.md")

#: The pages of one project, in the order in which they are read here.
READ = sorted((page for page in FOLLOWED if page not in EXAMPLES), key=place)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, shell: Shell) -> Iterator[Reader]:
    """Somebody who reads one page after the other, in one copy of the project and on one embedded AWS."""
    with reader(tmp_path_factory.mktemp("project"), shell) as person:
        yield person


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=name(page), marks=[pytest.mark.proof] * (page.name in LONG)) for page in READ]
)
def test_a_page_can_be_followed(page: Path, operator: Reader) -> None:
    assert operator.follow(page) > 0


@pytest.mark.proof
@pytest.mark.parametrize("page", EXAMPLES, ids=name)
def test_an_example_can_be_followed(page: Path, tmp_path: Path, shell: Shell) -> None:
    with reader(tmp_path, shell) as person:
        assert person.follow(page) > 0


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


def test_the_readme_is_short_and_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 200
    assert [
        name(page) for page in pages()[1:] if name(page).startswith("docs/") and f"({name(page)})" not in readme
    ] == []


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in [step.line for step in steps(ROOT / "README.md") if isinstance(step, Command)]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


@pytest.mark.parametrize(
    ("shown", "printed", "true"),
    [
        (["one", "…", "three"], "one\n2\n2\nthree\n", True),
        (["one", "…"], "one\n", True),
        (["took … s"], "took 0.3 s", True),
        (["one"], "one\ntwo\n", False),
        (["one", "two"], "one\n", False),
    ],
)
def test_what_is_printed_is_compared_with_what_is_shown(shown: list[str], printed: str, true: bool) -> None:
    assert (differs(shown, printed) is None) is true


def previewed(page: str, part: str, task: str, begin: str, until: str, folder: Path) -> list[dict[str, Any]]:
    """The slots of a task of the block of YAML on a page that begins with this part."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```yaml\n({part}:.*?)^```", text, re.DOTALL | re.MULTILINE)
    (folder / "tasks.yaml").write_text(block)
    options = ["--from", begin, "--until", until, "--json", "--tasks", str(folder / "tasks.yaml")]
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["preview", task, *options]) == 0
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def test_the_pools_of_the_page_on_limits_are_those_of_a_file(tmp_path: Path) -> None:
    previewed("how-to/limits.md", "pools", "daily", "2026-12-01", "2026-12-02", tmp_path)
    daily, hourly, calls = load(tmp_path / "tasks.yaml", today=date(2026, 12, 1))
    assert daily.limit == hourly.limit == Limit(name="reports", at_once=3, per_minute=30)
    assert (daily.priority, hourly.at_once, calls.limit) == (5, 2, Limit(name="task:calls", at_once=1))


def test_the_maintenance_windows_of_the_page_on_limits_do_what_it_says(tmp_path: Path) -> None:
    begin, until = "2026-12-01T21:30:00Z", "2026-12-02T02:30:00Z"
    slots = previewed("how-to/limits.md", "maintenance", "load", begin, until, tmp_path)
    assert [(slot["slot"][11:16], slot["runs"]) for slot in slots] == [
        ("21:30", True),
        *((f"{hour}:30", False) for hour in ("22", "23", "00", "01")),
        ("02:00", True),
        ("02:30", True),
    ]
    assert slots[1]["marks"] == ["skipped: maintenance upgrade: the database moves"]


def test_the_calendars_of_the_page_on_clocks_do_what_it_says(tmp_path: Path) -> None:
    slots = previewed("explanation/clocks.md", "calendars", "month-end", "2026-10-31", "2027-01-05", tmp_path)
    assert [(slot["local"][:10], slot["runs"]) for slot in slots] == [
        ("2026-10-31", False),
        ("2026-11-02", True),
        ("2026-11-30", True),
        ("2026-12-31", False),
        ("2027-01-04", True),
    ]


def test_the_chain_of_the_page_on_dependencies_waits_for_what_it_says(tmp_path: Path) -> None:
    def waits(task: str) -> list[str]:
        slots = previewed("how-to/dependencies.md", "tasks", task, "2026-12-01", "2026-12-01T23:59:59Z", tmp_path)
        return [one for slot in slots for one in slot["after"]]

    assert waits("load") == ["extract 2026-12-01T01:00:00Z", "rates 2026-12-01T02:00:00Z"]
    assert waits("report") == ["load 2026-12-01T03:00:00Z"]
