"""Workbooks by calamine, a fast reader of values: for XLSB, and for workbooks that the first reader cannot open.

It knows no number formats, so a percentage comes out as the fraction that is stored.
"""

from __future__ import annotations

import io

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import corrupt
from tasks.index.formats.sheets import CellCount, sheet_elements, value_text
from tasks.records import Element


def calamine_sheets(data: bytes, count: CellCount) -> tuple[list[Element], int]:
    """Return the elements of a workbook (xlsx, xlsb, xls, ods) and the number of its sheets.

    Raises:
        DocumentError: CORRUPT, ENCRYPTED, or TOO_LARGE by `count`.
    """
    import python_calamine

    elements: list[Element] = []
    try:
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            names = [s.name for s in book.sheets_metadata if s.typ == python_calamine.SheetTypeEnum.WorkSheet]
            for page, name in enumerate(names, start=1):
                sheet = book.get_sheet_by_name(name)
                count.add(sheet.height * sheet.width // 1000)  # a sheet of formatted emptiness costs a little too
                rows = ([_text(value) for value in row] for row in sheet.iter_rows())
                elements += sheet_elements(name, rows, page, count)
    except python_calamine.PasswordError:
        raise DocumentError(FailureKind.ENCRYPTED, "the workbook is encrypted: a password is needed") from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise corrupt(f"the workbook is damaged and cannot be read: {error}") from None
    except BaseException as error:  # a panic of its Rust code is no Exception, and would end the process
        if type(error).__name__ != "PanicException":
            raise
        raise corrupt(f"the workbook is damaged and cannot be read: calamine gave up: {error}") from None
    return elements, max(1, len(names))


def _text(value: object) -> str:
    """Return a cell as text; calamine gives every number as float, so whole ones lose their ".0"."""
    return value_text(int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value)
