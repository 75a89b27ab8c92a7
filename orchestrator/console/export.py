"""A static copy of the console: files that any web server, or a folder, shows as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestrator.console.application import STATIC
from orchestrator.console.grid import Filter
from orchestrator.console.links import FileLinks
from orchestrator.console.pages import TITLES, Pages
from orchestrator.runs.run import UNSUCCESSFUL

#: Of each task, so many of its newest runs have a page, beside those that went badly.
_NEWEST = 3


def export(pages: Pages, folder: Path, *, most_runs: int = 500) -> int:
    """Writes each page, a page for each task, and one for at most ``most_runs`` runs; the number of files.

    A run has a page if it went badly, or is one of its task's newest.
    """
    runs: dict[tuple[str, str], None] = {}
    for task_id in pages.reading.records():
        of_task = pages.reading.runs(task_id)
        chosen = [*of_task[:_NEWEST], *(run for run in of_task if run.status in UNSUCCESSFUL)]
        runs |= {(run.task_id, run.slot): None for run in chosen}
    kept = list(runs)[:most_runs]
    links = FileLinks(runs=frozenset(kept))
    copy = pages.linked(links, pages.reading.now())
    texts = {
        links.page(""): copy.overview("week", Filter()),
        links.page("timeline"): copy.timeline(24, None),
        links.page("failures"): copy.failures(),
        links.page("ledger"): copy.ledger(),
        links.page("deployments"): copy.deployments(),
    }
    assert len(texts) == len(TITLES)
    texts |= {links.task(task_id): copy.task(task_id) for task_id in pages.reading.records()}
    texts |= {links.run(task_id, slot): copy.run(task_id, slot) for task_id, slot in kept}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for file in STATIC.iterdir():
        shutil.copyfile(file, folder / links.static(file.name))
    return len(texts)
