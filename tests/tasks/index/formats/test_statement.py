"""Bank statements and payment files: movements, balances, and what does not tie."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from samples.make import einvoices as make
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.office.checks import check_statement
from tasks.office.records import Statement, from_data
from tasks.records import Parsed


def parsed(text: str) -> Parsed:
    return read(text.encode(), Context("file", Limits()))


def statements(text: str) -> list[Statement]:
    return [record for record in from_data(parsed(text).records) if isinstance(record, Statement)]


def moves(statement: Statement) -> list[tuple[date | None, Decimal]]:
    return [(m.day, m.amount) for m in statement.movements]


MT940 = f""":20:STMT
:25:{make.IBAN}
:28C:00004/001
:60F:C260401EUR1000,00
:61:2604020402C250,00NTRFREF1//B1
:86:BONIFICO CARTIERA LODOLINA SALDO FT 221
:61:2604300430D4,50NCHGNONREF
:86:SPESE
:62F:C260430EUR1245,50
-
"""


def test_mt940() -> None:
    (found,) = statements(MT940)
    assert (found.account, found.opening, found.closing, found.number) == (make.IBAN, 1000, Decimal("1245.50"), "00004")
    assert moves(found) == [(date(2026, 4, 2), Decimal("250.00")), (date(2026, 4, 30), Decimal("-4.50"))]
    assert (found.movements[0].text, found.movements[0].reference) == (
        "BONIFICO CARTIERA LODOLINA SALDO FT 221",
        "REF1",
    )
    assert check_statement(found) == []


def test_mt940_reversals_and_fields_of_nonsense() -> None:
    """A reversed credit takes money away; a field that is not needed costs itself alone, and a DOS file's end mark nothing."""
    odd = (
        MT940.replace("0402C250", "0402RC250")
        .replace("0430D4", "0430RD4")
        .replace(":62F:C260430EUR1245,50", ":62F:C260430EUR754,50")
    )
    found = parsed(odd.replace("754,50\n", "754,50\n:65F:Dnullnull7,3\n") + "\x1a" + MT940)
    reversed_, plain = from_data(found.records)
    assert isinstance(reversed_, Statement) and isinstance(plain, Statement)
    assert [amount for _, amount in moves(reversed_)] == [Decimal("-250.00"), Decimal("4.50")]
    assert check_statement(reversed_) == check_statement(plain) == []
    assert found.warnings == ("fields that cannot be read were left out: :65F:",)


def test_each_message_of_a_file_is_a_statement() -> None:
    second = MT940.replace("00004/001", "00005/001").replace("1245,50", "1300,00")
    found = statements(MT940 + second)
    assert [(s.number, len(s.movements)) for s in found] == [("00004", 2), ("00005", 2)]
    assert [[(f.rule, f.difference) for f in check_statement(s)] for s in found] == [
        [],
        [("balances", Decimal("54.50"))],
    ]


def test_a_broken_mt940_is_corrupt() -> None:
    with pytest.raises(DocumentError) as caught:
        parsed(MT940.replace("2604020402C250,00NTRFREF1//B1", "keine Buchung"))
    assert caught.value.kind == FailureKind.CORRUPT


def camt(entries: str) -> str:
    balance = "<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{}</Dt></Dt></Bal>"
    return (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt><Id>S4</Id>"
        f"<Acct><Id><IBAN>{make.IBAN}</IBAN></Id></Acct>{balance.format('OPBD', '100.00', '2026-04-01')}"
        f"{balance.format('CLBD', '150.00', '2026-04-30')}{entries}</Stmt></BkToCstmrStmt></Document>"
    )


def entry(amount: str, mark: str, details: str, status: str = "<Sts><Cd>BOOK</Cd></Sts>") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{status}<BookgDt><Dt>2026-04-02</Dt></BookgDt>"
        f"<ValDt><Dt>2026-04-03</Dt></ValDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(amount: str, name: str, text: str) -> str:
    return (
        f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    )


def test_camt_splits_a_batch_whose_parts_sum_to_it_and_only_then() -> None:
    both = detail("20.00", "Uno", "FT 1") + detail("30.00", "Due", "FT 2")
    (found,) = statements(camt(entry("50.00", "CRDT", both)))
    assert [(m.amount, m.counterpart, m.text) for m in found.movements] == [(20, "Uno", "FT 1"), (30, "Due", "FT 2")]
    assert check_statement(found) == []
    (whole,) = statements(camt(entry("60.00", "CRDT", both)))
    assert [(m.amount, m.text) for m in whole.movements] == [(60, "FT 1 FT 2")]
    assert [f.difference for f in check_statement(whole)] == [-10]


def test_camt_leaves_out_what_is_not_booked_and_says_so() -> None:
    text = camt(entry("50.00", "CRDT", "") + entry("9.00", "DBIT", "", "<Sts>PDNG</Sts>"))
    assert [m.amount for m in statements(text)[0].movements] == [50]
    assert parsed(text).warnings == ("1 entries that are not booked yet were left out",)


PAIN = f"""<CBIPaymentRequest xmlns="urn:CBI:xsd:CBIPaymentRequest.00.04.01"><GrpHdr><MsgId>D1</MsgId><NbOfTxs>2</NbOfTxs>
<CtrlSum>172.00</CtrlSum><InitgPty><Nm>Cartiera</Nm></InitgPty></GrpHdr><PmtInf><ReqdExctnDt><Dt>2026-04-30</Dt></ReqdExctnDt>
<DbtrAcct><Id><IBAN>{make.STUDIO_IBAN}</IBAN></Id></DbtrAcct>
<CdtTrfTxInf><Amt><InstdAmt Ccy="EUR">122.00</InstdAmt></Amt><Cdtr><Nm>Fonderia</Nm></Cdtr><CdtrAcct><Id><IBAN>{make.IBAN}</IBAN></Id>
</CdtrAcct><RmtInf><Ustrd>FT 1</Ustrd></RmtInf></CdtTrfTxInf>
<CdtTrfTxInf><Amt><InstdAmt Ccy="EUR">50.00</InstdAmt></Amt><Cdtr><Nm>Studio</Nm></Cdtr></CdtTrfTxInf></PmtInf></CBIPaymentRequest>"""


def test_payments_that_are_ordered_leave_the_account() -> None:
    (found,) = statements(PAIN)
    assert (found.kind, found.account, found.stated_sum, found.stated_count) == ("orders", make.STUDIO_IBAN, 172, 2)
    assert [(m.day, m.amount, m.counterpart, m.iban) for m in found.movements] == [
        (date(2026, 4, 30), -122, "Fonderia", make.IBAN),
        (date(2026, 4, 30), -50, "Studio", ""),
    ]
    assert check_statement(found) == []
    (off,) = statements(PAIN.replace("172.00", "173.00"))
    assert [(f.rule, f.difference) for f in check_statement(off)] == [("control_sum", 1)]


OFX_BODY = """<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>123</BANKACCTFROM><BANKTRANLIST>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260402120000<TRNAMT>-12,50<FITID>F1<NAME>Bar &amp; Co<MEMO>coffee</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260403<TRNAMT>100.00<FITID>F2<NAME>Client</STMTTRN></BANKTRANLIST>
<LEDGERBAL><BALAMT>187.50<DTASOF>20260430</LEDGERBAL><AVAILBAL><BALAMT>1.00<DTASOF>20260430</AVAILBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""


@pytest.mark.parametrize(
    "head", ["OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n", '<?xml version="1.0"?>\n<?OFX OFXHEADER="200"?>\n']
)
def test_both_generations_of_ofx(head: str) -> None:
    (found,) = statements(head + OFX_BODY)
    assert (found.account, found.closing, found.closing_day) == ("123", Decimal("187.50"), date(2026, 4, 30))
    assert [(m.day, m.amount, m.counterpart, m.text, m.reference) for m in found.movements] == [
        (date(2026, 4, 2), Decimal("-12.50"), "Bar & Co", "coffee", "F1"),
        (date(2026, 4, 3), Decimal("100.00"), "Client", "", "F2"),
    ]


def record(*fields: tuple[int, str]) -> str:
    """A CBI record of 120 characters with fields at their places, counted from 1."""
    line = [" "] * 120
    for place, text in fields:
        line[place - 1 : place - 1 + len(text)] = text
    return "".join(line)


RH = "\n".join(
    [
        record((2, "RH"), (4, "ABCDE"), (9, "99901"), (14, "300426"), (20, "EC042026")),
        record(
            (2, "61"),
            (4, "0000001"),
            (38, make.IBAN[4:]),
            (61, "EUR"),
            (64, "010426"),
            (70, "C"),
            (71, "000000001000,00"),
            (86, "IT"),
            (88, make.IBAN[2:4]),
        ),
        record(
            (2, "62"),
            (4, "0000001"),
            (11, "001"),
            (14, "020426"),
            (20, "020426"),
            (26, "C"),
            (27, "000000000250,00"),
            (42, "48"),
        ),
        record((2, "63"), (4, "0000001"), (11, "001"), (14, "BONIFICO CARTIERA FT 221")),
        record(
            (2, "62"),
            (4, "0000001"),
            (11, "002"),
            (14, "300426"),
            (20, "300426"),
            (26, "D"),
            (27, "000000000004,50"),
            (42, "16"),
        ),
        record((2, "64"), (4, "0000001"), (11, "EUR"), (14, "300426"), (20, "C"), (21, "000000001245,50")),
        record((2, "EF"), (4, "ABCDE"), (9, "99901"), (14, "300426"), (20, "EC042026")),
    ]
)


def test_cbi_movements_at_the_standards_places() -> None:
    (found,) = statements(RH)
    assert (found.account, found.opening, found.closing) == (make.IBAN, 1000, Decimal("1245.50"))
    assert [(m.day, m.amount, m.text) for m in found.movements] == [
        (date(2026, 4, 2), 250, "BONIFICO CARTIERA FT 221"),
        (date(2026, 4, 30), Decimal("-4.50"), ""),
    ]
    assert check_statement(found) == []


def test_a_cbi_record_with_shifted_fields_is_left_out_and_named() -> None:
    found = parsed(RH.replace("C000000000250,00", " C00000000250,00"))
    assert found.warnings == ("movement 1 (record 62) has no amount where the CBI standard has it and was left out",)


def test_riba_receivables() -> None:
    lines = [
        record((2, "IB"), (4, "ABCDE"), (9, "99901"), (14, "300426"), (20, "RIBA0426")),
        record(
            (2, "14"),
            (4, "0000001"),
            (23, "310526"),
            (29, "30000"),
            (34, "0000000012200"),
            (47, "-"),
            (48, "99901"),
            (53, "12300"),
        ),
        record((2, "30"), (4, "0000001"), (11, "CARTIERA LODOLINA SPA"), (71, make.OFFICE.vat)),
        record((2, "50"), (4, "0000001"), (11, "FATT 1 DEL 12/03/2026 IMPORTO EURO 122,0"), (51, "0")),
        record((2, "EF"), (46, "0000001"), (53, "000000000012200")),
    ]
    (found,) = statements("\n".join(lines))
    (one,) = found.movements
    assert (found.kind, one.day, one.amount, one.counterpart, one.reference) == (
        "receivables",
        date(2026, 5, 31),
        122,
        "CARTIERA LODOLINA SPA",
        make.OFFICE.vat,
    )
    assert one.text == "FATT 1 DEL 12/03/2026 IMPORTO EURO 122,00"
    assert check_statement(found) == []


def test_ofx_of_investments_and_without_a_statement() -> None:
    """Cash that moves is a movement, trades are counted and stay searchable; a file of nothing but a sign-on is a text."""
    body = (
        "<INVSTMTRS><CURDEF>USD<INVACCTFROM><ACCTID>77</INVACCTFROM><INVTRANLIST><BUYSTOCK><INVBUY><INVTRAN><FITID>1<MEMO>Quarzite"
        "</INVTRAN></INVBUY></BUYSTOCK><INVBANKTRAN><STMTTRN><DTPOSTED>20260402<TRNAMT>-15.50<NAME>Fee</STMTTRN></INVBANKTRAN>"
        "</INVTRANLIST></INVSTMTRS></OFX>"
    )
    found = parsed("<?xml version='1.0'?>\n<!-- made by hand -->\n<OFX>" + body)
    (statement,) = from_data(found.records)
    assert isinstance(statement, Statement) and moves(statement) == [(date(2026, 4, 2), Decimal("-15.50"))]
    assert any("1 trades" in warning for warning in found.warnings) and "Quarzite" in found.elements[-1].text
    alone = parsed("OFXHEADER:100\n\n<OFX><SONRS><ORG>Banca Lodolina<FID>1</SONRS></OFX>")
    assert (alone.records, "Banca Lodolina" in alone.elements[0].text, len(alone.warnings)) == ((), True, 1)


QIF = """!Account
NConto Lodolina
TBank
^
!Type:Bank
D01/04/2026
T1.000,00
PSaldo iniziale
^
D{0}
T-1.882,00
POfficina
MFT 2026/0417
LCasa
^
D{1}
T12,50
^
"""


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("13/04/2026", "02/05/2026", [date(2026, 4, 13), date(2026, 5, 2)]),
        ("12/04/2026", "02/05/2026", [date(2026, 4, 12), date(2026, 5, 2)]),
        ("1/15'26", "2/ 3'26", [date(2026, 1, 15), date(2026, 2, 3)]),
        ("02/04/2026", "03/04/2026", [None, None]),
        ("31/12/98", "1/1'00", [date(1998, 12, 31), date(2000, 1, 1)]),
    ],
)
def test_qif_of_which_days_are_read_only_in_the_order_that_the_file_tells(
    first: str, second: str, days: list[date | None]
) -> None:
    found = parsed(QIF.format(first, second))
    (statement,) = from_data(found.records)
    assert isinstance(statement, Statement)
    assert (found.format, statement.account, statement.opening) == ("qif", "Conto Lodolina", Decimal(1000))
    assert moves(statement) == list(zip(days, [Decimal(-1882), Decimal("12.50")], strict=True))
    assert (statement.movements[0].counterpart, statement.movements[0].text) == ("Officina", "FT 2026/0417 · Casa")
    assert any("day or month" in warning for warning in found.warnings) == (None in days)


def test_what_a_qif_file_holds_beside_movements_is_told_and_found() -> None:
    found = parsed("!Type:Bank\nD31/01/2026\nTnulla\n^\n!Type:Cat\nNQuarzite\n^\n")
    (statement,) = from_data(found.records)
    assert isinstance(statement, Statement) and (statement.movements, statement.left_out) == ((), 1)
    assert len(found.warnings) == 2 and "Quarzite" in found.elements[-1].text


def advice(entry: str, *parts: tuple[str, str, str, str]) -> Parsed:
    """An advice of one booked entry of 50 euros; a part is an amount, a currency, a side (or none) and a debtor."""
    details = "".join(
        f'<TxDtls><Amt Ccy="{currency}">{value}</Amt>{f"<CdtDbtInd>{side}</CdtDbtInd>" if side else ""}'
        f"<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr></RltdPties></TxDtls>"
        for value, currency, side, name in parts
    )
    return parsed(
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.02"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>1</Id>'
        f'<Ntry><Amt Ccy="EUR">50.00</Amt>{entry}<Sts>BOOK</Sts><BookgDt><Dt>2026-04-10</Dt></BookgDt><NtryDtls>'
        f"{details}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )


@pytest.mark.parametrize(
    ("parts", "amounts"),
    [
        ([("20.00", "EUR", "", "A"), ("30.00", "EUR", "", "B")], [20, 30]),
        ([("80.00", "EUR", "CRDT", "A"), ("30.00", "EUR", "DBIT", "B")], [80, -30]),
        ([("20.00", "EUR", "CRDT", "A"), ("30.00", "EUR", "DBIT", "B")], [50]),
        ([("20.00", "USD", "", "A"), ("30.00", "USD", "", "B")], [50]),
    ],
)
def test_the_parts_of_a_batch_are_movements_where_they_sum_to_it(
    parts: list[tuple[str, str, str, str]], amounts: list[int]
) -> None:
    (found,) = from_data(advice("<CdtDbtInd>CRDT</CdtDbtInd>", *parts).records)
    assert isinstance(found, Statement) and [m.amount for m in found.movements] == amounts


def test_an_entry_without_a_side_is_left_out_and_told() -> None:
    found = advice("")
    (statement,) = from_data(found.records)
    assert isinstance(statement, Statement) and statement.movements == ()
    assert any("came in or went out" in warning for warning in found.warnings)


def test_parts_of_a_structured_text_stand_apart_unless_they_are_full() -> None:
    full = "A" * 20 + "BCDEFGH"[:7]
    text = f":86:105?00SEPA?20FT 2026/0417?21RATA 1?22{full}?23XY?32OFFICINA?33ALFA"
    (found,) = statements(MT940.replace(":86:BONIFICO CARTIERA LODOLINA SALDO FT 221", text))
    assert f"FT 2026/0417 RATA 1 {full}XY" in found.movements[0].text
    assert found.movements[0].counterpart == "OFFICINA ALFA"
