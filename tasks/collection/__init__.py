"""What the lake holds of a collection: the only place that knows a table's name, its columns and the order of writing.

    table.py     a table of a collection: kind, schema, key
    tables.py    the list of all tables; what is done to a collection as a whole follows from it
    ledger.py    documents and their state            elements.py  what a parser read of each document
    chunks.py    passages with their vectors          analyses.py  results of analyses
    papers.py    typed rows of business papers: invoices, dues, movements, books
    facts.py     typed rows that results fill: figures, metrics
    staging.py   batches that workers leave for the writer
    commit.py    the order of writing, and of taking documents out
    indexes.py   the indexes that chunks should have
    lookup.py    a document by id, path or name: one rule
    catalogue.py listing, showing and dropping        terms.py     analysed words of full-text search
    document_text.py what was read, for a person
    recover.py   finish an interrupted restore before anybody reads

A new typed table is a `Table` (kind, schema, key) with the rows that an analysis fills it with, registered in
`facts.FACTS`: drop, prune, backup, audit and restore then treat it like every other table.
"""
