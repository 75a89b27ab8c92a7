"""Two commits side by side: ``python -m tests.bench.compare A [B]``; B is the working copy if it is left out.

Each is checked out into a folder of its own, and they are measured in turn, so that what else the machine does meets
both. Without any commit the working copy is measured beside ``baseline.json``, whose figures are of the commit that is
named in it; ``--record COMMIT`` writes them anew.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import figures
from tests.testbed import ROOT

ROUNDS = 3
BASELINE = Path(__file__).with_name("baseline.json")

Figures = Mapping[str, float]


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A folder with the commit's files."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def measured(tree: Path) -> Figures:
    """With the libraries of this environment, and this checkout's way to measure."""
    run = subprocess.run(
        [sys.executable, figures.__file__],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def lines(before: Figures, after: Figures, labels: tuple[str, str]) -> Iterator[str]:
    """A table: each figure of both, and how many times as good the second is."""
    yield f"  {'':34}{labels[0]:>12}{labels[1]:>12}"
    for name, (title, more_is_better) in figures.NAMES.items():
        new = after[name]
        if name not in before:
            # Recorded when this figure was not yet taken.
            yield f"  {title:34}{'-':>12}{new:12.1f}"
            continue
        old = before[name]
        better = new / old if more_is_better else old / new
        yield f"  {title:34}{old:12.1f}{new:12.1f}   {better:4.1f} times"


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--record"]:
        with checked_out(arguments[1]) as tree:
            found = medians([measured(tree) for _ in range(ROUNDS)])
        BASELINE.write_text(json.dumps({"commit": arguments[1], "figures": found}, indent=2) + "\n")
        return
    if arguments:
        first, *second = arguments
        with checked_out(first) as old, checked_out(second[0] if second else "HEAD") as new:
            trees = (old, new if second else ROOT)
            rounds = [[measured(tree) for tree in trees] for _ in range(ROUNDS)]
        before, after = (medians([one[at] for one in rounds]) for at in (0, 1))
        labels = (first[:10], second[0][:10] if second else "now")
    else:
        recorded = json.loads(BASELINE.read_text())
        before, after = recorded["figures"], medians([measured(ROOT) for _ in range(ROUNDS)])
        labels = (recorded["commit"][:10], "now")
    table = lines(before, after, labels)
    sys.stdout.write("\n".join(table) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
