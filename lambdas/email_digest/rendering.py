"""A digest as the parts of a mail. What comes from the ledger is data: it is escaped, and can add no line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from lambdas.email_digest.digest import Digest
from orchestrator.runs.run import Run

#: Of an error or a reason.
_LONGEST_TEXT = 120

_STYLE = "font-family: sans-serif; font-size: 14px"
_CELL = "padding: 2px 12px 2px 0; text-align: left; vertical-align: top"


def subject(digest: Digest) -> str:
    """Returns the mail's subject, which already says how bad it is."""
    runs = _counted(digest.total, "run")
    return f"Scheduled tasks: {runs}, {digest.failures} failed" if digest.failures else f"Scheduled tasks: {runs}"


def to_text(digest: Digest) -> str:
    """The plain alternative."""
    lines = [_headline(digest), ""]
    for title, columns, rows in _tables(digest):
        lines += [title, *("  " + "  ".join(row) for row in [columns, *rows]), ""]
    return "\n".join(lines)


def to_html(digest: Digest) -> str:
    """The same with tables."""
    parts = [f"<p>{escape(_headline(digest))}</p>"]
    for title, columns, rows in _tables(digest):
        parts += [f"<h3>{escape(title)}</h3>", "<table>", _row("th", columns)]
        parts += [*(_row("td", row) for row in rows), "</table>"]
    return f'<!DOCTYPE html>\n<html><body style="{_STYLE}">\n' + "\n".join(parts) + "\n</body></html>\n"


def _headline(digest: Digest) -> str:
    return f"{_counted(digest.total, 'run')} after {digest.since}, until {digest.until}."


def _tables(digest: Digest) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    rows: list[tuple[str, ...]]
    if digest.counts:
        yield "By status", ("status", "runs"), [(status, str(count)) for status, count in digest.counts.items()]
    if digest.unsuccessful:
        rows = [(*_who(run), run.status, _short(run.error or run.reason)) for run in digest.unsuccessful]
        yield _title("Failed", digest.failures, len(rows)), ("task", "slot", "status", "error"), rows
    if digest.skipped:
        rows = [(*_who(run), _short(run.reason)) for run in digest.skipped]
        yield _title("Skipped", digest.counts["SKIPPED"], len(rows)), ("task", "slot", "reason"), rows
    if digest.slowest:
        rows = [(*_who(run), f"{run.duration_seconds:,.1f}", str(run.attempts)) for run in digest.slowest]
        yield "Slowest", ("task", "slot", "seconds", "attempts"), rows


def _title(what: str, count: int, shown: int) -> str:
    return f"{what} (the latest {shown} of {count})" if shown < count else what


def _who(run: Run) -> tuple[str, str]:
    return _short(run.task_id), _short(run.slot)


def _short(text: str | None) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text or "")
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def _row(cell: str, values: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<{cell} style="{_CELL}">{escape(value)}</{cell}>' for value in values) + "</tr>"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
