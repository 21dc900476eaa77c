"""HTML files: statements as web pages, inline XBRL, and an ordinary web page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from samples.make import american, civil, firms, ifrs
from samples.make.statement import Line, Statement, italian, written

CSS = """body{font:15px/1.5 Georgia,serif;max-width:56em;margin:2em auto;color:#1b1b1b}
table{border-collapse:collapse;width:100%;margin:1em 0}td,th{padding:.15em .5em;text-align:right}
td:first-child,th:first-child{text-align:left}thead th{border-bottom:2px solid #1f3a5f}
tr.sum td{font-weight:bold;border-top:1px solid #888}tr.total td{font-weight:bold;border-top:1px solid;
border-bottom:3px double}tr.head td{font-weight:bold}"""


def table(statement: Statement, group: str = "") -> str:
    """A statement as an HTML table; `group` spans all year columns."""
    span = f'<tr><th></th><th colspan="{len(statement.columns)}">{group}</th></tr>' if group else ""
    heads = "".join(f"<th>{name}</th>" for name in statement.columns)
    rows = "\n".join(_row(statement, line) for line in statement.lines)
    return (
        f"<h2>{statement.title}</h2>\n<p><em>{statement.caption}</em></p>\n"
        f"<table>\n<thead>{span}<tr><th></th>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    )


def _row(statement: Statement, line: Line) -> str:
    pad = f' style="padding-left:{line.level}em"' if line.level else ""
    cells = "".join(f"<td>{cell}</td>" for cell in written(statement, line))
    return f'<tr class="{line.style}"><td{pad}>{escape(line.label)}</td>{cells}</tr>'


def page(title: str, body: str, language: str = "it", more: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"{more}>\n<head><meta charset="utf-8"/><title>{title}</title>\n'
        f"<style>{CSS}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _statements(statements: Iterable[Statement], group: str = "") -> str:
    return "\n".join(table(statement, group) for statement in statements)


def group_page(path: Path) -> None:
    statements = civil.ordinary(firms.group(), consolidated=True)
    body = f"<h1>Gruppo Montescaro – Bilancio consolidato 2024</h1>\n{_statements(statements, 'Esercizio chiuso al')}"
    path.write_text(page("Gruppo Montescaro – Bilancio consolidato 2024", body), "utf-8")


def listed_page(path: Path) -> None:
    now = firms.listed()[-1]
    intro = (
        f"<h1>Gruppo Aurenga – Risultati 2024</h1>\n<p>Ricavi a {italian(now.revenue / 1000, 1)} milioni di euro. "
        "Il portafoglio ordini garantisce oltre sei mesi di lavoro.</p>"
    )
    body = f"{intro}\n{_statements(ifrs.consolidated(firms.listed()))}"
    path.write_text(page("Gruppo Aurenga – Risultati 2024", body), "utf-8")


def company_page(path: Path) -> None:
    """The mill's own site: navigation and a cookie notice around the text, as web pages have them."""
    body = """<nav><ul><li><a href="/">Home</a></li><li><a href="/frantoio">Il frantoio</a></li>
<li><a href="/bottega">La bottega</a></li><li><a href="/contatti">Contatti</a></li></ul></nav>
<main><h1>Il Frantoio del Trebbio</h1>
<p>Dal 1931 la famiglia Cantagalli frange le olive della Val di Trebbio. Oggi lavoriamo con un impianto continuo a due
fasi, che usa un terzo dell'acqua di una volta e conserva i profumi dell'olio nuovo.</p>
<h2>Le nostre cultivar</h2><ul><li><strong>Frantoio</strong>: fruttato medio, note di carciofo.</li>
<li><strong>Moraiolo</strong>: amaro deciso e piccante persistente.</li>
<li><strong>Olivastra</strong>: dolce, mandorlato, adatto al pesce.</li></ul>
<h2>Visite e degustazioni</h2><p>Le visite si tengono il sabato alle 10 e alle 15, da ottobre a dicembre; la
degustazione di tre oli con pane sciocco costa 12 euro a persona, gratis fino a dieci anni. Si prenota al numero
0999 000 118.</p>
<h2>Orari della bottega</h2><table><tr><th>Giorno</th><th>Mattina</th><th>Pomeriggio</th></tr>
<tr><td>Lunedì–venerdì</td><td>9.00–12.30</td><td>15.30–19.00</td></tr>
<tr><td>Sabato</td><td>9.00–13.00</td><td>chiuso</td></tr></table></main>
<footer><p>Frantoio del Trebbio S.r.l. – P.IVA 09999028880 – Questo sito usa soltanto cookie tecnici.</p></footer>
<script>window.dataLayer = window.dataLayer || [];</script>"""
    path.write_text(page("Il Frantoio del Trebbio – olio extravergine dal 1931", body), "utf-8")


def inline_report(path: Path) -> None:
    """The English statements as inline XBRL: facts tagged where they are printed."""
    statements = american.annual()
    name_spaces = (
        ' xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"'
        ' xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:iso4217="http://www.xbrl.org/2003/iso4217"'
        ' xmlns:us-gaap="http://fasb.org/us-gaap/2024" xmlns:link="http://www.xbrl.org/2003/linkbase"'
        ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ixt="http://www.xbrl.org/inlineXBRL/transformation/2020-02-12"'
    )
    tables = "\n".join(_tagged_table(statement) for statement in statements)
    header = f"<div style='display:none'><ix:header><ix:resources>{_contexts()}</ix:resources></ix:header></div>"
    body = f"{header}\n<h1>{firms.QUILLMERE.name} – Annual report 2024</h1>\n{tables}"
    path.write_text(page("Quillmere Instruments, Inc. – 10-K 2024", body, "en", name_spaces), "utf-8")


def _contexts() -> str:
    who = '<xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">0009999040</xbrli:identifier></xbrli:entity>'
    parts = ['<xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>']
    for year in (2024, 2023, 2022, 2021):
        span = f"<xbrli:startDate>{year}-01-01</xbrli:startDate><xbrli:endDate>{year}-12-31</xbrli:endDate>"
        moment = f"<xbrli:instant>{year}-12-31</xbrli:instant>"
        for letter, period in (("d", span), ("i", moment)):
            parts.append(
                f'<xbrli:context id="{letter}{year}">{who}<xbrli:period>{period}</xbrli:period></xbrli:context>'
            )
    return "".join(parts)


def _tagged_table(statement: Statement) -> str:
    heads = "".join(f"<th>{name}</th>" for name in statement.columns)
    letter = "i" if statement.kind == "balance" else "d"
    rows = []
    for line in statement.lines:
        cells = "".join(
            f"<td>{_fact(line, value, f'{letter}{year}', shown)}</td>"
            for year, value, shown in zip(statement.years, line.values, written(statement, line), strict=False)
        )
        rows.append(f'<tr class="{line.style}"><td>{escape(line.label)}</td>{cells}</tr>')
    return (
        f"<h2>{statement.title}</h2>\n<p>{statement.caption}</p>\n<table><thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>"
    )


def _fact(line: Line, value: int | None, context: str, shown: str) -> str:
    """The printed number as a tagged fact; a parenthesis stays outside and the sign goes to the attribute."""
    if not line.tag or value is None:
        return shown
    negative = value < 0 and not line.flip
    kind = ' format="ixt:fixed-zero"' if value == 0 else ' format="ixt:num-dot-decimal"'
    number = shown.strip("()")
    sign = ' sign="-"' if negative else ""
    fact = (
        f'<ix:nonFraction name="us-gaap:{line.tag}" contextRef="{context}" unitRef="usd" scale="6" decimals="-6"'
        f"{sign}{kind}>{number}</ix:nonFraction>"
    )
    return f"({fact})" if shown.startswith("(") else fact


FILES = {
    "montescaro-consolidato-2024.html": group_page,
    "aurenga-risultati-2024.html": listed_page,
    "quillmere-10k-2024-inline-xbrl.html": inline_report,
    "trebbio-chi-siamo.html": company_page,
}
