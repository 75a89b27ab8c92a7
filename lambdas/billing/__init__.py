"""The monthly billing run, a function for each step of the workflow ``billing``.

usage files (S3) → :mod:`fetch_usage_data` → sums by customer → :mod:`calculate_charges` → pages of charges
→ for each customer :mod:`create_invoice`, then :mod:`send_invoice_email` → :mod:`update_billing_records`

What keeps it right:

- **The period comes from the slot**, never from a clock: the month before the slot's, in the task's time zone.
- **One invoice for each customer and period**: its key is the customer and the period, its first write is conditional,
  and a hash of all that it was made from is kept. The same inputs find the invoice; others are refused.
- **Nothing is billed that is in doubt.** A row of usage that cannot be billed is reported with file and line, and holds
  back the invoice of its customer until the file is put right and the slot is run again; the others are billed. A file
  that is cut off could lack rows of anybody, so it ends the run before the first invoice.
- **Money is whole minor units** (cents) from the line of an invoice on, and text between the functions; quantities and
  prices are decimal numbers. There is no float.
- **What grows with the number of customers is in S3**, and states hold its keys.
"""
