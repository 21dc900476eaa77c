"""Small Office packages for tests, written part by part, so that a test shows the very markup that it is about."""

import io
import zipfile

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
SPACES = " ".join(
    f'xmlns:{prefix}="{name}"'
    for prefix, name in {
        "w": MAIN,
        "r": OFFICE,
        "a": f"{DRAWING}/main",
        "c": f"{DRAWING}/chart",
        "dgm": f"{DRAWING}/diagram",
        "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "v": "urn:schemas-microsoft-com:vml",
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    }.items()
)


def packed(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP file of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return target.getvalue()


def relations(**targets: str) -> str:
    """A part of relations: id → "kind target"."""
    lines = (value.split(" ", 1) for value in targets.values())
    nodes = "".join(
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in zip(targets, lines, strict=True)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{nodes}</Relationships>'
    )


def p(text: str, properties: str = "") -> str:
    """A Word paragraph of one run; markup that is given stands as it is."""
    content = text if text.startswith("<") else f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{content}</w:p>"


def r(text: str) -> str:
    """A Word run."""
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def tc(text: str, properties: str = "") -> str:
    """A cell of a Word table."""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{text if text.startswith('<w:p') else p(text)}</w:tc>"


def tbl(*rows: str) -> str:
    """A Word table of rows given as cells."""
    return f"<w:tbl>{''.join(row if row.startswith(('<w:tr', '<w:sdt')) else f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def docx(body: str, parts: dict[str, str | bytes] | None = None, **targets: str) -> bytes:
    """A Word package with this body, further parts, and relations of the body."""
    return packed(
        {
            "_rels/.rels": relations(m="officeDocument word/document.xml"),
            "word/document.xml": f"<w:document {SPACES}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(**targets),
            **(parts or {}),
        }
    )


def part(name: str, content: str) -> str:
    """An XML part with all namespaces declared."""
    return f"<{name} {SPACES}>{content}</{name}>"


def chart(*series: tuple[str, dict[str, str]], title: str = "") -> str:
    """A chart part of series: name and values by category."""
    nodes = ""
    for name, values in series:
        caches = [
            f"<c:{kind}><c:strRef><c:strCache>"
            + "".join(f'<c:pt idx="{i}"><c:v>{v}</c:v></c:pt>' for i, v in enumerate(points))
            + f"</c:strCache></c:strRef></c:{kind}>"
            for kind, points in (("cat", values.keys()), ("val", values.values()))
        ]
        nodes += f"<c:ser><c:tx><c:v>{name}</c:v></c:tx>{''.join(caches)}</c:ser>"
    head = f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{title}</a:t></a:r></a:p></c:rich></c:tx></c:title>" if title else ""
    return part("c:chartSpace", f"<c:chart>{head}<c:plotArea><c:barChart>{nodes}</c:barChart></c:plotArea></c:chart>")


def parsed(data: bytes, name: str = "x.docx") -> Parsed:
    """What is read from a file."""
    return read(data, Context(name, Limits()))


def texts(data: bytes, name: str = "x.docx") -> list[str]:
    """The texts of the elements of a file."""
    return [element.text for element in parsed(data, name).elements]


def rows(data: bytes, name: str = "x.docx") -> list[list[tuple[str, ...]]]:
    """The rows of each table of a file."""
    return [list(element.rows) for element in parsed(data, name).elements if element.rows]
