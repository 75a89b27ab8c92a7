"""Pages as HTML. Whatever comes from a row, a record or a log is shown as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.console.graph import NODE_HEIGHT, NODE_WIDTH
from orchestrator.console.grid import Mark, Stretch
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
    Mark.MISSED: ((0, 1), (9, 1), (4, 2)),
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


def outline(stretches: Iterable[Stretch], mark: Mark) -> str:
    """The path of an SVG, ten high and a column one wide, that draws the cells of one mark."""
    return "".join(
        f"M{one.column} {top}h{one.width}v{height}h-{one.width}z"
        for one in stretches
        if one.mark is mark
        for top, height in _SHAPES[mark]
    )


def environment() -> Environment:
    """The templates, and what they may call."""
    templates = Environment(
        loader=PackageLoader("orchestrator.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        plain=plain, pretty=pretty, seconds=seconds, moment=moment, outline=outline, why=why, iso=to_second
    )
    templates.globals.update(Mark=Mark, cell=_cell, NODE_WIDTH=NODE_WIDTH, NODE_HEIGHT=NODE_HEIGHT)
    # A value that is written without a filter is made plain, too.
    templates.finalize = _finalized
    return templates


def _cell(mark: Mark) -> str:
    """The path of one cell, ten high and one wide."""
    return outline([Stretch(column=0, width=1, mark=mark)], mark)


def _finalized(value: Any) -> Any:
    return value if isinstance(value, Markup) else plain(value) if isinstance(value, str) else value
