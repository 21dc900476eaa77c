"""Electronic invoices of every syntax as one record, and the exchange system's messages about them.

`fatturapa`, `ubl` and `cii` each turn the root of an XML tree into records; `exchange` does the same for receipts. `RENDERED` in
`reader.py` says which root belongs to which.
"""
