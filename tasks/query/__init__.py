"""Ask the typed tables: rows by conditions on their columns, and what papers say about each other.

    conditions.py   `supplier_vat=IT… date=2026-01..2026-03 total>1000`: read, checked against the columns, applied
    office.py       the papers of a collection, read once
    views.py        each table as a frame, with the columns that only all papers together give (duplicates, states, payments)
    links.py        duplicates, receipts of the exchange system, credit notes, self-invoices
    matching.py     movements of the bank against instalments, by amount and number or party
    crosschecks.py  register against invoices, payment forms against returns: findings of papers about each other
    output.py       a frame as CSV, XLSX, Parquet or JSON

What follows from several papers is worked out when it is asked for, so it cannot grow stale: an invoice that is removed takes
its part in every answer with it. 10,000 invoices take about a second.
"""
