"""The heat map shows when much begins, in a terminal without colours and as an image."""

from __future__ import annotations

from xml.etree import ElementTree

from orchestrator.cli.views.heatmap import heat_svg, heat_text

SVG = "{http://www.w3.org/2000/svg}"


def day(**starts: int) -> list[int]:
    """``at_0830=5``: five at half past eight."""
    minutes = [0] * 1440
    for name, runs in starts.items():
        minutes[int(name[3:5]) * 60 + int(name[5:])] = runs
    return minutes


def test_each_hour_is_a_row_and_five_minutes_are_a_cell() -> None:
    lines = str(heat_text(day(at_0000=100, at_0003=20, at_0830=30), "UTC")).splitlines()
    assert lines[0] == "Starts by the hour and minute of the day, UTC"
    assert lines[2] == f"00    ██{' ' * 22}  120"
    assert lines[10] == f"08    {' ' * 12}░░{' ' * 10}  30"
    assert lines[5].rstrip() == "03"
    assert lines[-1].strip() == "the darkest 5 minutes: 120"


def test_a_day_on_which_nothing_begins_is_empty() -> None:
    assert not set("░▒▓█") & set(str(heat_text(day(), "UTC")))
    assert len(ElementTree.fromstring(heat_svg(day(), "UTC", "nothing")).findall(f"{SVG}rect")) == 2


def test_the_image_has_a_cell_for_each_minute_in_which_something_begins() -> None:
    image = ElementTree.fromstring(heat_svg(day(at_0000=100, at_0830=50), "Europe/Berlin", "Runs & more"))
    cells = [rect for rect in image.findall(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]
    assert [(cell.findtext(f"{SVG}title"), cell.get("fill")) for cell in cells] == [
        ("00:00  100", "#08306b"),
        ("08:30  50", "#7890b2"),
    ]
    title = image.findtext(f"{SVG}title")
    assert title == "Runs & more: starts by the hour and minute of the day, Europe/Berlin"
