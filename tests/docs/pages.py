"""A page of the documentation as a reader follows it: files that it says to write, commands that it says to type.

A fenced block that is named by a file (`` ```python lambdas/greeting.py ``) is that file, or is added to the end of it
where the block says so (`` ```yaml tasks.yaml (added) ``); a ``diff`` block inserts lines. A ``console`` block holds
commands behind ``$`` and what each prints; ``…`` stands for any text, and alone on a line for any lines. Other blocks
are there to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import ROOT

#: What a page may call the command; a reader has it in the virtual environment that make has made.
ORCHESTRATOR = ".venv/bin/orchestrator"

#: Lines that a reader adds to a file, between lines that are in it.
_INSERTED = "+"

_BLOCK = re.compile(r"^```(\w+)(?: (\S+?)( \(added\))?)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """A file that the page shows whole, or the lines that it says to add to one."""

    path: Path
    text: str
    added: bool

    def onto(self, before: str) -> str:
        """The file afterwards, where ``before`` is what is in it."""
        return f"{before.rstrip()}\n\n{self.text}" if self.added else self.text


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """Lines to insert into a file, each behind the line of it that the page shows before them."""

    path: Path
    text: str

    def onto(self, before: str) -> str:
        """The file afterwards. Raises ValueError if it lacks a line that the page shows."""
        lines, at = before.splitlines(), 0
        for line in self.text.splitlines():
            if line.startswith(_INSERTED):
                lines.insert(at, line.removeprefix(_INSERTED))
                at += 1
            else:
                at = lines.index(line[1:], at) + 1
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line to type, and the lines that the page shows under it; none where it shows nothing."""

    line: str
    shown: tuple[str, ...]


Step = WrittenFile | ChangedFile | Command


def pages() -> list[Path]:
    """The README, every page below ``docs``, and those of the examples."""
    return [
        ROOT / "README.md",
        *(page for name in ("docs", "examples") for page in sorted((ROOT / name).rglob("*.md"))),
    ]


def links(page: Path) -> list[str]:
    """Where the page's links lead, those to other sites left out."""
    return re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> frozenset[str]:
    """What a link may name behind ``#``: each heading, in small letters, with ``-`` for spaces and without the rest."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings)


def steps(page: Path) -> Iterator[Step]:
    """What the page says to do, in order."""
    for language, name, added, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "diff":
            yield ChangedFile(path=Path(name), text=text)
        elif name:
            yield WrittenFile(path=Path(name), text=text, added=bool(added))
        elif language == "console":
            yield from _commands(text.splitlines())


def differs(shown: Sequence[str], printed: str) -> str | None:
    """The first line that was not printed as the page shows it; None where the page tells the truth."""
    pattern = "".join(_pattern(line) for line in shown)
    if re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines()), re.DOTALL):
        return None
    at = next((n for n in range(len(shown)) if not _begins(shown[: n + 1], printed)), len(shown) - 1)
    return f"the page shows {shown[at]!r}, and what was printed is:\n{printed}"


def _begins(shown: Sequence[str], printed: str) -> bool:
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    return re.match("".join(_pattern(line) for line in shown), text, re.DOTALL) is not None


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return "(?:[^\n]*\n)*?"
    return r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split("…")) + "\n"


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    typed: str | None = None
    shown: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if typed is not None:
                yield Command(line=typed, shown=tuple(shown))
            typed, shown = line.removeprefix("$ "), []
        else:
            assert typed is not None, f"no command has printed {line!r}"
            shown.append(line)
    if typed is not None:
        yield Command(line=typed, shown=tuple(shown))
