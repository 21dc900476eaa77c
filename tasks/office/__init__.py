"""An office's papers as typed records: what they hold, their codes in words, their checks and the tables that they fill.

A room for all families: readers of formats make these records, the store writes their rows, analyses and reports read the tables.
It needs nothing of an index, a model or an orchestrator.
"""
