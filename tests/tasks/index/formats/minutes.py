"""The minutes of a meeting, written by pandoc in the format asked for: title, author, heading, list and table."""

from __future__ import annotations

from pathlib import Path

import pypandoc

MARKDOWN = """---
title: Verbale
author: Segretario
---
# Ordine del giorno

Il presidente apre la seduta e constata la presenza di tutti i consiglieri.

- bilancio
- nomine

| Voce | Importo |
|------|---------|
| Utile | 1200 |
"""


def minutes(kind: str, folder: Path) -> bytes:
    """Write the minutes as `kind`, one of pandoc's formats."""
    target = folder / f"x.{kind}"
    pypandoc.convert_text(MARKDOWN, kind, format="markdown", outputfile=str(target), extra_args=["--standalone"])
    return target.read_bytes()
