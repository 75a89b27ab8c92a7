"""An invoice as the file that is kept and the mail that is sent."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage

from fpdf import FPDF

from lambdas.billing.charges import Charge
from lambdas.billing.invoices import Invoice, invoice_number
from lambdas.billing.money import written


def invoice_pdf(charge: Charge, *, name: str, created: datetime) -> bytes:
    """One page or more; the same arguments give the same bytes."""
    number = invoice_number(charge.customer_id, charge.period)
    pdf = FPDF()
    pdf.set_creation_date(created)
    pdf.set_title(f"Invoice {number}")
    pdf.add_page()
    _line(pdf, f"Invoice {number}", size=18)
    _line(pdf, _printable(name), size=11)
    _line(pdf, f"For {charge.period}, plan {_printable(charge.plan_id)}", size=11)
    pdf.ln(4)
    pdf.set_font("Helvetica", size=9)
    alignment = ("LEFT", "RIGHT", "RIGHT", "RIGHT")
    with pdf.table(text_align=alignment, borders_layout="HORIZONTAL_LINES", line_height=5) as table:
        table.row(["", "quantity", "unit price", "amount"])
        for line in charge.lines:
            amount = written(line.amount, charge.currency)
            table.row([_printable(line.text), line.quantity, line.unit_price, amount])
        table.row(["Sum", "", "", written(charge.subtotal, charge.currency)])
        table.row([f"Tax, {charge.tax_rate}", "", "", written(charge.tax, charge.currency)])
        table.row(["Total", "", "", written(charge.total, charge.currency)])
    return bytes(pdf.output())


def invoice_mail(invoice: Invoice, *, sender: str, recipient: str, name: str, pdf: bytes) -> bytes:
    """A mail with the PDF. What comes from a record can add no header: the library refuses a line break."""
    mail = EmailMessage()
    mail["Subject"] = f"Your invoice {invoice.number}"
    mail["From"] = sender
    mail["To"] = recipient
    total = written(invoice.total, invoice.currency)
    mail.set_content(f"{name},\n\nyour invoice for {invoice.period} is attached. Its total is {total}.\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"invoice-{invoice.number}.pdf")
    return mail.as_bytes()


def _line(pdf: FPDF, text: str, *, size: int) -> None:
    pdf.set_font("Helvetica", size=size)
    pdf.cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")


def _printable(text: str) -> str:
    """The fonts that every PDF reader has are Latin-1; another letter is a question mark here."""
    return text.encode("latin-1", "replace").decode("latin-1")
