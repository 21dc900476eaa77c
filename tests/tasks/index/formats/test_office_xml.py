"""Office documents as one XML file: workbooks and texts of 2003, flat packages."""

import base64
from xml.sax.saxutils import quoteattr

from infra.settings import Limits
from office import SPACES, p, tbl, tc
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

BOOK = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Styles><Style ss:ID="p"><NumberFormat ss:Format="Percent"/></Style>
<Style ss:ID="c"><NumberFormat ss:Format="00000"/></Style></Styles>
<Worksheet ss:Name="Conti"><Table>{}</Table></Worksheet></Workbook>"""
PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"


def opened(text: str, name: str = "x.xls") -> Parsed:
    return read(text.encode(), Context(name, Limits()))


def cell(value: str = "", kind: str = "String", **attributes: str) -> str:
    told = "".join(f" ss:{name}={quoteattr(text)}" for name, text in attributes.items())
    return f"<Cell{told}><Data ss:Type='{kind}'>{value}</Data></Cell>" if value else f"<Cell{told}/>"


def row(*cells: str, **attributes: str) -> str:
    told = "".join(f" ss:{name}='{text}'" for name, text in attributes.items())
    return f"<Row{told}>{''.join(cells)}</Row>"


def test_cells_stand_in_their_columns_and_values_as_shown() -> None:
    parsed = opened(
        BOOK.format(
            row(cell("Voce"), cell("CAP"), cell("2025", MergeAcross="1"))
            + row(cell("Canone"), cell("184", "Number", StyleID="c"), cell("1250.5", "Number"), cell(".5", "Number"))
            + row(cell("Quota"), cell("0.125", "Number", Index="3", StyleID="p"), cell("1", "Boolean"))
            + row(cell("Dal"), cell("2025-03-03T00:00:00.000", "DateTime", Index="4"))
            + row(cell("Ora"), cell("1899-12-31T08:30:00.000", "DateTime", Index="4"))
        )
    )
    assert parsed.format == "xls2003"
    (table,) = [e for e in parsed.elements if e.rows]
    assert table.rows == (
        ("Voce", "CAP", "2025", "2025"),
        ("Canone", "00184", "1250.5", ".5"),
        ("Quota", "", "12.50%", "TRUE"),
        ("Dal", "", "", "2025-03-03"),
        ("Ora", "", "", "08:30"),
    )


def test_rows_that_are_left_out_part_blocks_and_formulas_without_values_show() -> None:
    comment = "<Cell><Data ss:Type='String'>Totale</Data><Comment><Data>stimato</Data></Comment></Cell>"
    parsed = opened(BOOK.format(row(cell("a"), cell("b")) + row(comment, cell(Formula="=R[-1]C"), Index="9")))
    assert [e.rows for e in parsed.elements if e.rows] == [(("a", "b"),), (("Totale", "=R[-1]C"),)]
    assert parsed.elements[-1].text == "stimato"


def test_a_text_of_2003_is_read_as_one_of_today() -> None:
    space = "http://schemas.microsoft.com/office/word/2003/wordml"
    spaces = SPACES.replace("http://schemas.openxmlformats.org/wordprocessingml/2006/main", space)
    table = tbl(tc("Canone") + tc("640"), tc("Spese") + tc("98"))
    body = f"<wx:sect xmlns:wx='urn:wx'>{p('Contratto')}{table}</wx:sect>"
    parsed = opened(f"<?xml version='1.0'?><w:wordDocument {spaces}><w:body>{body}</w:body></w:wordDocument>", "x.doc")
    assert (parsed.format, parsed.warnings) == ("doc2003", ())
    assert [e.text for e in parsed.elements] == ["Contratto", "Canone | 640\nSpese | 98"]


def test_a_flat_package_is_the_package() -> None:
    document = f"<w:document {SPACES}><w:body>{p('Canone 640')}</w:body></w:document>"
    part = '<pkg:part pkg:name="{}" pkg:contentType="x">{}</pkg:part>'
    xml = part.format("/word/document.xml", f"<pkg:xmlData>{document}</pkg:xmlData>")
    picture = base64.b64encode(b"GIF89a").decode()
    xml += part.format("/word/media/a.gif", f"<pkg:binaryData>{picture}</pkg:binaryData>")
    parsed = opened(f'<?xml version="1.0"?><pkg:package xmlns:pkg="{PACKAGE}">{xml}</pkg:package>', "x.xml")
    assert (parsed.format, [e.text for e in parsed.elements]) == ("docx", ["Canone 640"])
