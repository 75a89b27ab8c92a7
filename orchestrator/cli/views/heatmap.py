"""A day as a heat map: a row for each hour, and how much begins in its minutes. In the terminal, and as an image."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rich.text import Text

HOURS = 24

#: In the terminal a cell is so many minutes.
_CELL_MINUTES = 5
_SHADES = " ░▒▓█"
_STYLES = ("", "cyan", "green", "yellow", "red")

#: Of the image, in pixels.
_CELL, _LEFT, _TOP = 12, 64, 56
_WIDTH, _HEIGHT = _LEFT + 60 * _CELL + 24, _TOP + HOURS * (_CELL + 4) + 40
_PALE, _DARK = (232, 240, 250), (8, 48, 107)


def heat_text(minutes: Sequence[int], zone: str) -> Text:
    """``minutes`` are 1,440 numbers. A shade is a quarter of the largest cell, nothing is nothing."""
    cells = [sum(minutes[at : at + _CELL_MINUTES]) for at in range(0, len(minutes), _CELL_MINUTES)]
    most = max(cells)
    text = Text(f"Starts by the hour and minute of the day, {zone}\n      :00   :15   :30   :45\n")
    per_hour = 60 // _CELL_MINUTES
    for hour in range(HOURS):
        row = cells[hour * per_hour : (hour + 1) * per_hour]
        text.append(f"{hour:02}    ")
        for runs in row:
            shade = _shade(runs, most)
            text.append(_SHADES[shade] * 2, _STYLES[shade])
        text.append(f"  {sum(row):,}\n" if sum(row) else "\n", "dim")
    text.append(f"      the darkest {_CELL_MINUTES} minutes: {most:,}", "dim")
    return text


def _shade(runs: int, most: int) -> int:
    return 0 if runs == 0 else min(len(_SHADES) - 1, 1 + (len(_SHADES) - 1) * (runs - 1) // max(most, 1))


def heat_svg(minutes: Sequence[int], zone: str, title: str) -> str:
    """The same, minute by minute, as an SVG image with a title for those who cannot see it."""
    most = max(minutes)
    cells = "\n".join(
        f'<rect x="{_LEFT + minute % 60 * _CELL}" y="{_TOP + minute // 60 * (_CELL + 4)}" width="{_CELL - 1}"'
        f' height="{_CELL + 2}" fill="{_colour(runs, most)}"><title>{minute // 60:02}:{minute % 60:02}  {runs:,}'
        "</title></rect>"
        for minute, runs in enumerate(minutes)
        if runs
    )
    hours = "\n".join(
        f'<text x="{_LEFT - 8}" y="{_TOP + hour * (_CELL + 4) + 11}" text-anchor="end">{hour:02}:00</text>'
        for hour in range(HOURS)
    )
    quarters = "\n".join(
        f'<text x="{_LEFT + minute * _CELL}" y="{_TOP - 8}">:{minute:02}</text>' for minute in range(0, 60, 15)
    )
    height = HOURS * (_CELL + 4)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" \
aria-labelledby="title" font-family="system-ui, sans-serif" font-size="11" fill="#333">
<title id="title">{escape(title)}: starts by the hour and minute of the day, {escape(zone)}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{_LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>
<rect x="{_LEFT}" y="{_TOP}" width="{60 * _CELL}" height="{height}" fill="#f6f8fa"/>
{quarters}
{hours}
{cells}
<text x="{_LEFT}" y="{_TOP + height + 24}">Starts by the hour and minute of the day, {escape(zone)}. \
The darkest minute: {most:,}.</text>
</svg>
"""


def _colour(runs: int, most: int) -> str:
    share = runs / max(most, 1)
    return "#" + "".join(f"{round(pale + (dark - pale) * share):02x}" for pale, dark in zip(_PALE, _DARK, strict=True))
