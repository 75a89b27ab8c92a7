"""Pages as HTML. Whatever comes from a row, a record or a log is shown as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from orchestrator.console.graph import NODE_HEIGHT, NODE_WIDTH
from orchestrator.console.grid import Mark, Row, Stretch
from orchestrator.instants import of_slot, to_second
from orchestrator.runs.explanation import why

#: Characters of a text that a page shows of one value.
MOST_TEXT = 100_000

#: Control characters, those that turn the direction of writing among them, are shown by a sign that has no effect.
_VISIBLE = {
    code: "␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟"[code] if code < 32 else "\ufffd"
    for code in (*range(32), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}

#: From top and height of ten, what each mark draws: shapes that differ without colour.
_SHAPES: dict[Mark, tuple[tuple[int, int], ...]] = {
    Mark.FAILED: ((0, 4), (6, 4)),
    Mark.TIMED_OUT: ((0, 2), (4, 2), (8, 2)),
    Mark.ABORTED: ((0, 6),),
    Mark.MISSED: ((0, 1), (9, 1), (4, 2)),
    Mark.EXPIRED: ((0, 1), (9, 1)),
    Mark.RUNNING: ((4, 6),),
    Mark.WAITING: ((7, 3),),
    Mark.WARNED: ((0, 2), (3, 7)),
    Mark.SKIPPED: ((4, 2),),
    Mark.SUCCEEDED: ((0, 10),),
    Mark.DUE: ((9, 1),),
}


def plain(value: object) -> str:
    """Text in which nothing steers a terminal or a reader's eye, cut where it is endless."""
    text = str(value).translate(_VISIBLE)
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}\n… {len(text) - MOST_TEXT:,} more characters"


def pretty(text: str) -> str:
    """JSON with a line for each value; what is no JSON as it is."""
    try:
        return plain(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except ValueError:
        return plain(text)


def seconds(value: float | None) -> str:
    """``0.42 s``, ``3 min 12 s``, ``2 h 5 min``; nothing where there is no length."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(value: datetime | str | None, zone: str = "") -> Markup:
    """A moment or a slot that the browser writes in the zone that its reader has chosen; in UTC where it does not."""
    if not value:
        return Markup("")
    at = of_slot(value) if isinstance(value, str) else value.astimezone(UTC)
    shown = Markup('<time datetime="{}" data-zone="{}">{}</time>').format(
        to_second(at), zone, f"{at:%a %Y-%m-%d %H:%M:%S} UTC"
    )
    named = value.partition("#")[2] if isinstance(value, str) else ""
    return shown + (Markup(' <span class="quiet">#{}</span>').format(named) if named else "")


def outline(stretches: Iterable[Stretch]) -> list[tuple[Mark, str]]:
    """The paths of an SVG, ten high and a column one wide, that draw the cells of each mark, the worst first."""
    paths: dict[Mark, list[str]] = {}
    for one in stretches:
        drawn = paths.setdefault(one.mark, [])
        for top, height in _SHAPES[one.mark]:
            drawn.append(f"M{one.column} {top}h{one.width}v{height}h-{one.width}z")
    return [(mark, "".join(paths[mark])) for mark in Mark if mark in paths]


def line(row: Row, columns: int, address: str) -> Markup:
    """A task's row of the grid. It is written by hand, and kept: a page has thousands of them."""
    key = (columns, address)
    if key not in row.drawn:
        name = escape(plain(row.record.task.id))
        paths = "".join(f'<path class="{mark.style}" d="{drawn}"/>' for mark, drawn in outline(row.stretches))
        paused = ' <span class="status s-paused">paused</span>' if row.record.pause else ""
        row.drawn[key] = (
            f'<li><a href="{escape(address)}">{name}</a>{paused}\n'
            f'<div class="track" role="group" tabindex="-1" data-task="{name}" aria-label="{name}: {row.summary}">'
            f'<svg viewBox="0 0 {columns} 10" preserveAspectRatio="none" aria-hidden="true">{paths}'
            '<use href="#columns"/></svg></div></li>\n'
        )
    return Markup(row.drawn[key])  # noqa: S704 # what it holds is escaped above


def environment() -> Environment:
    """The templates, and what they may call."""
    templates = Environment(
        loader=PackageLoader("orchestrator.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(plain=plain, pretty=pretty, seconds=seconds, moment=moment, why=why, iso=to_second)
    templates.globals.update(Mark=Mark, cell=_cell, line=line, NODE_WIDTH=NODE_WIDTH, NODE_HEIGHT=NODE_HEIGHT)
    # A value that is written without a filter is made plain, too.
    templates.finalize = _finalized
    return templates


def _cell(mark: Mark) -> str:
    """The path of one cell, ten high and one wide."""
    ((_, drawn),) = outline([Stretch(column=0, width=1, mark=mark)])
    return drawn


def _finalized(value: Any) -> Any:
    return value if isinstance(value, Markup) else plain(value) if isinstance(value, str) else value
