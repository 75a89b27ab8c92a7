"""A summary as the files that people open."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime

from fpdf import FPDF

from lambdas.report_generator.orders import Sum, Summary

_NAMES = ("region", "product")
_NUMBERS = ("orders", "quantity", "total")


def to_csv(summary: Summary) -> bytes:
    """A line for each product in each region."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_NAMES, *_NUMBERS])
    writer.writerows([one.region, one.product, one.orders, one.quantity, f"{one.total:f}"] for one in summary.sums)
    return text.getvalue().encode()


def to_pdf(summary: Summary, *, day: date, created: datetime) -> bytes:
    """The total, then sums by region, by product, and by both. The same arguments give the same bytes."""
    pdf = FPDF()
    pdf.set_creation_date(created)
    pdf.set_title(f"Orders of {day}")
    pdf.add_page()
    _line(pdf, f"Orders of {day}", size=18)
    if summary.orders:
        _line(pdf, f"{summary.orders:,} orders, total {summary.total:,f}", size=11)
        _table(pdf, "By region", summary.regions, ("region",))
        _table(pdf, "By product", summary.products, ("product",))
        _table(pdf, "By region and product", summary.sums, _NAMES)
    else:
        _line(pdf, f"No orders on {day}.", size=11)
    return bytes(pdf.output())


def _line(pdf: FPDF, text: str, *, size: int) -> None:
    pdf.set_font("Helvetica", size=size)
    pdf.cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")


def _table(pdf: FPDF, title: str, sums: Sequence[Sum], names: Sequence[str]) -> None:
    pdf.ln(4)
    _line(pdf, title, size=13)
    pdf.set_font("Helvetica", size=9)
    alignment = ("LEFT",) * len(names) + ("RIGHT",) * len(_NUMBERS)
    with pdf.table(text_align=alignment, borders_layout="HORIZONTAL_LINES", line_height=5) as table:
        table.row([*names, *_NUMBERS])
        for one in sums:
            shown = [_printable(getattr(one, name)) for name in names]
            table.row([*shown, f"{one.orders:,}", f"{one.quantity:,}", f"{one.total:,f}"])


def _printable(text: str) -> str:
    """The fonts that every PDF reader has are Latin-1; another letter is a question mark here."""
    return text.encode("latin-1", "replace").decode("latin-1")
