"""The English annual report as PDF: business, risk factors, MD&A with segments and a five-year summary, statements."""

from __future__ import annotations

from pathlib import Path

from samples.make.american import Fiscal, annual, fiscal_years
from samples.make.firms import QUILLMERE
from samples.make.paper import Paper
from samples.make.statement import english


def change(now: float, before: float) -> str:
    """The change in words: `increased 5.9%`."""
    rate = (now / before - 1) * 100
    return f"{'increased' if rate >= 0 else 'decreased'} {abs(rate):.1f}%"


def annual_report(path: Path) -> None:
    years = fiscal_years()
    paper = Paper("Annual report on Form 10-K for fiscal year 2024", QUILLMERE.name, letter=True)
    paper.cover(
        QUILLMERE.name,
        "Annual Report for the fiscal year ended December 31, 2024",
        QUILLMERE.seat,
        f"I.R.S. Employer Identification No. {QUILLMERE.vat}",
    )
    _business(paper)
    paper.page()
    _discussion(paper, years)
    for statement in annual():
        paper.page()
        paper.statement(statement, size=9)
        if statement.kind == "income":
            paper.small(
                "(1) See Note 4, Restructuring. The accompanying notes are an integral part of these statements."
            )
    paper.page()
    _notes(paper, years)
    paper.save(path, "Quillmere Instruments, Inc.", "2024 Annual Report")


def _business(paper: Paper) -> None:
    paper.heading("Item 1. Business")
    paper.prose(
        "Quillmere Instruments, Inc. designs, makes and services analytical instruments: mass spectrometers, liquid "
        "chromatographs and laboratory software. We sell in 61 countries through our own sales force and through "
        "distributors, and at December 31, 2024 employed about 9,400 people.",
        "We operate in three segments: Life Sciences, Applied Markets and Laboratory Services. No single customer "
        "accounted for more than 4% of net sales in any year presented.",
    )
    paper.heading("Item 1A. Risk Factors", 2)
    paper.prose(
        "Our results depend on the research budgets of universities and of pharmaceutical companies, which may be cut "
        "or delayed. We buy certain turbomolecular pumps and detector wafers from single sources; an interruption of "
        "more than six weeks would stop shipments of our Merlin product line.",
        "About 58% of our net sales come from outside the United States. A 10% strengthening of the dollar against all "
        "other currencies would have reduced 2024 operating income by approximately $31 million.",
    )
    paper.heading("Item 2. Properties", 2)
    paper.prose(
        "Our headquarters in Fort Quill cover 412,000 square feet, which we own. We lease manufacturing space "
        "in County Wexmore, Ireland, and in Penang, under leases that expire between 2027 and "
        "2036."
    )


def _discussion(paper: Paper, years: tuple[Fiscal, ...]) -> None:
    now, before, prior = years[-1], years[-2], years[-3]
    paper.heading("Item 7. Management's Discussion and Analysis")
    paper.heading("Results of operations", 2)
    paper.prose(
        f"Net sales {change(now.revenue, before.revenue)} to ${english(now.revenue)} million in 2024 from "
        f"${english(before.revenue)} million in 2023, reflecting strong demand for the Merlin 9 mass spectrometer and "
        "higher service attachment rates. Foreign exchange lowered growth by about one percentage point.",
        f"Gross profit was ${english(now.gross)} million, or {now.gross / now.revenue:.1%} of net sales, compared with "
        f"{before.gross / before.revenue:.1%} in 2023 and {prior.gross / prior.revenue:.1%} in 2022. Price increases "
        "and lower freight costs were offset by wage inflation in our Irish plant.",
        f"Research and development expense {change(now.research, before.research)} to ${english(now.research)} million "
        "as we completed the Merlin 9 and began work on a bench-top imaging platform.",
        f"In 2023 we recorded restructuring charges of ${english(before.restructuring)} million for the closure of the "
        "Lowmarsh assembly plant. No such charges were recorded in 2024.",
    )
    paper.heading("Segment results", 2)
    rows = [["Net sales by segment (in millions)", "2024", "2023", "2022"]]
    shown = (now, before, prior)
    split = [(round(y.products * 0.61), y.products - round(y.products * 0.61), y.services) for y in shown]
    for index, name in enumerate(("Life Sciences", "Applied Markets", "Laboratory Services")):
        rows.append([name, *(english(part[index]) for part in split)])
    rows.append(["Total", *(english(year.revenue) for year in shown)])
    paper.grid(rows, (80, 26, 26, 26))
    paper.heading("Liquidity and capital resources", 2)
    paper.prose(
        f"Cash provided by operating activities was ${english(now.operating_cash)} million in 2024. Capital "
        f"expenditures were ${english(now.capex)} million, mostly for the expansion of clean-room capacity in Penang. "
        f"We returned ${english(now.dividends + now.repurchases)} million to stockholders through dividends and share "
        "repurchases. In March 2024 we issued $300 million of 4.75% senior notes due 2034. We have an undrawn "
        "revolving credit facility of $600 million that matures in October 2028.",
    )
    paper.heading("Five-year summary", 2)
    five = tuple(reversed(years[1:]))
    rows = [["(In millions)", *(str(year.year) for year in five)]]
    for label, field in (
        ("Net sales", "revenue"),
        ("Operating income", "operating"),
        ("Net income", "net"),
        ("Total assets", "assets"),
        ("Stockholders' equity", "equity"),
    ):
        rows.append([label, *(english(getattr(year, field)) for year in five)])
    paper.grid(rows, (62, 22, 22, 22, 22, 22))


def _notes(paper: Paper, years: tuple[Fiscal, ...]) -> None:
    now, before = years[-1], years[-2]
    paper.heading("Notes to Consolidated Financial Statements")
    paper.heading("Note 1. Summary of significant accounting policies", 2)
    paper.prose(
        "Revenue from instruments is recognized when control passes to the customer, usually on delivery; revenue from "
        "service contracts is recognized ratably over their term. Inventories are stated at the lower of cost, on a "
        "first-in first-out basis, and net realizable value. Buildings are depreciated over 40 years and machinery "
        "over five to twelve years.",
    )
    paper.heading("Note 2. Inventories", 2)
    raw = [round(year.inventory * 0.42) for year in (now, before)]
    work = [round(year.inventory * 0.17) for year in (now, before)]
    rest = [year.inventory - a - b for year, a, b in zip((now, before), raw, work, strict=True)]
    paper.grid(
        [
            ["(In millions)", "2024", "2023"],
            ["Raw materials", *map(english, raw)],
            ["Work in process", *map(english, work)],
            ["Finished goods", *map(english, rest)],
            ["Total inventories", english(now.inventory), english(before.inventory)],
        ],
        (80, 30, 30),
    )
    paper.heading("Note 3. Debt", 2)
    paper.prose(
        f"Total debt was ${english(now.short_debt + now.long_debt)} million at December 31, 2024, of which "
        f"${english(now.short_debt)} million falls due within one year. The notes contain a change-of-control covenant "
        "at 101% of principal.",
    )
    paper.heading("Note 4. Restructuring", 2)
    paper.prose(
        "The closure of the Lowmarsh plant affected 214 employees. Severance accounted for four fifths of the charge; "
        "the remainder relates to lease termination and the disposal of tooling. All amounts were paid by June 2024.",
    )
    paper.heading("Note 5. Commitments and contingencies", 2)
    paper.prose(
        "We are defendants in a patent suit brought by a competitor concerning ion-trap geometry. We believe that the "
        "claims have no merit and have not recorded a liability. Non-cancellable purchase commitments were $142 "
        "million at year end.",
    )


FILES = {"quillmere-annual-report-2024.pdf": annual_report}
