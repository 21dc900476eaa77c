"""Sources on a schedule: which are saved, which are due, and what a mailbox has that the spool has not.

    saved.py   sources in the lake: add, pause, remove, due, result
    spool.py   messages of a mailbox as files, each once

The order of a run stands in flows/collect.py.
"""
