"""OpenDocument sheets and slides: stored values, pages."""

import io
import zipfile

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


def packed(mimetype: str, content: str) -> bytes:
    target = io.BytesIO()
    spaces = " ".join(
        f'xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for p, n in [
            ("office", "office"),
            ("table", "table"),
            ("text", "text"),
            ("draw", "drawing"),
            ("presentation", "presentation"),
        ]
    )
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("mimetype", f"application/vnd.oasis.opendocument.{mimetype}")
        body = f"<office:body>{content}</office:body>"
        file.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
    return target.getvalue()


def cell(text: str, **attributes: str) -> str:
    written = " ".join(f'{name.replace("__", ":").replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<table:table-cell {written}><text:p>{text}</text:p></table:table-cell>"


def test_spreadsheets_give_stored_values() -> None:
    content = (
        '<office:spreadsheet><table:table table:name="Conti"><table:table-row>'
        + cell("Voce")
        + cell("31/12/24", office__value_type="date", office__date_value="2024-12-31")
        + "</table:table-row><table:table-row>"
        + cell("Ricavi")
        + cell("1.234,50 €", office__value_type="currency", office__value="1234.5")
        + '</table:table-row><table:table-row table:number-rows-repeated="1048000"><table:table-cell/>'
        "</table:table-row>" + "</table:table></office:spreadsheet>"
    )
    parsed = read(packed("spreadsheet", content), Context("x.ods", Limits()))
    assert parsed.elements[1].rows == (("Voce", "2024-12-31"), ("Ricavi", "1234.5"))


def test_slides_are_pages() -> None:
    content = (
        '<office:presentation><draw:page><draw:frame presentation:class="title"><draw:text-box>'
        "<text:p>Risultati</text:p>"
        "</draw:text-box></draw:frame><draw:frame><draw:text-box><text:list><text:list-item>"
        "<text:p>Ricavi in crescita</text:p>"
        "</text:list-item></text:list></draw:text-box></draw:frame></draw:page><draw:page/></office:presentation>"
    )
    parsed = read(packed("presentation", content), Context("x.odp", Limits()))
    assert parsed.pages == 2
    assert [(e.kind, e.text) for e in parsed.elements] == [("title", "Risultati"), ("list", "Ricavi in crescita")]
