"""The four invented firms: who they are and how their books open. Any likeness to a real firm is chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from samples.make.ledger import Drivers, Year, history, open_books


@dataclass(frozen=True)
class Firm:
    name: str
    seat: str
    vat: str
    rea: str
    capital: str
    ateco: str
    pec: str


MONTESCARO = Firm(
    "Tessitura Montescaro S.p.A.",
    "Via delle Filande 18, 13888 Montescaro (BI)",
    "09999018881",
    "BI - 299018",
    "6.000.000,00",
    "13.20.00 Tessitura",
    "amministrazione@pec.montescaro.example",
)
TREBBIO = Firm(
    "Frantoio del Trebbio S.r.l.",
    "Strada Vicinale dei Lecci 4, 53999 Trebbio in Valle (SI)",
    "09999028880",
    "SI - 299028",
    "100.000,00",
    "10.41.10 Produzione di olio di oliva",
    "frantoiodeltrebbio@pec.trebbio.example",
)
AURENGA = Firm(
    "Aurenga Sistemi S.p.A.",
    "Viale dei Collaudi 210, 41999 Aurenga (MO)",
    "09999038889",
    "MO - 299038",
    "24.500.000,00",
    "28.99.20 Fabbricazione di robot industriali",
    "societario@pec.aurenga.example",
)
QUILLMERE = Firm(
    "Quillmere Instruments, Inc.",
    "1400 Alder Ridge Parkway, Fort Quill, Delaware 19999",
    "00-9990404",
    "",
    "",
    "3826",
    "investors@quillmere.example",
)


@cache
def parent() -> tuple[Year, ...]:
    """Tessitura Montescaro alone, in euro; 2022 opens."""
    drivers = Drivers(
        18, (0.048, -0.031), 0.432, 0.212, 0.014, 0.139, 0.008, 0.017, 0.041, 84, 88, 96, 0.4, 0.037, lend=0.014
    )
    first = open_books(
        2022,
        41_806_412,
        6_000_000,
        drivers,
        development=318_450,
        licences=226_118,
        goodwill=1_140_000,
        land=9_214_806,
        plant=6_402_115,
        equipment=1_988_437,
        holdings=7_850_000,
        raw=4_611_902,
        finished=4_902_774,
        trade_receivables=9_702_318,
        tax_receivables=311_206,
        other_receivables=188_420,
        cash=3_918_775,
        prepaid=102_644,
        funds=702_115,
        severance_fund=1_874_209,
        banks_short=3_480_226,
        banks_long=7_916_004,
        trade_payables=7_012_448,
        tax_payables=402_337,
        social_payables=331_802,
        other_payables=699_214,
        accrued=91_556,
    )
    return history(first, drivers)


@cache
def group() -> tuple[Year, ...]:
    """The Montescaro group, consolidated, in euro."""
    drivers = Drivers(
        29, (0.057, 0.013), 0.401, 0.219, 0.018, 0.158, 0.009, 0.015, 0.043, 81, 92, 93, 0.3, 0.039, minority=0.062
    )
    first = open_books(
        2022,
        78_415_930,
        6_000_000,
        drivers,
        development=702_114,
        licences=488_925,
        goodwill=5_310_000,
        land=17_806_310,
        plant=13_114_908,
        equipment=3_902_664,
        holdings=412_500,
        raw=8_010_447,
        finished=9_822_031,
        trade_receivables=17_604_118,
        tax_receivables=640_225,
        other_receivables=402_918,
        cash=8_116_302,
        prepaid=211_094,
        minorities=2_804_115,
        funds=1_316_844,
        severance_fund=3_114_027,
        banks_short=7_214_336,
        banks_long=17_002_881,
        trade_payables=12_502_118,
        tax_payables=903_412,
        social_payables=644_102,
        other_payables=1_322_804,
        accrued=188_205,
    )
    return history(first, drivers)


@cache
def mill() -> tuple[Year, ...]:
    """Frantoio del Trebbio, in euro: small enough for the abbreviated layout of art. 2435-bis."""
    drivers = Drivers(
        7, (0.112, 0.064), 0.548, 0.158, 0.022, 0.092, 0.011, 0.021, 0.05, 61, 74, 72, 0.25, 0.041, lend=0.012
    )
    first = open_books(
        2022,
        2_614_880,
        100_000,
        drivers,
        development=0,
        licences=21_440,
        goodwill=0,
        land=612_330,
        plant=318_204,
        equipment=96_518,
        holdings=5_000,
        raw=241_116,
        finished=266_904,
        trade_receivables=438_212,
        tax_receivables=22_108,
        other_receivables=9_415,
        cash=186_204,
        prepaid=6_118,
        funds=14_000,
        severance_fund=98_207,
        banks_short=162_415,
        banks_long=402_118,
        trade_payables=356_904,
        tax_payables=18_226,
        social_payables=12_114,
        other_payables=44_018,
        accrued=5_420,
    )
    return history(first, drivers)


@cache
def listed() -> tuple[Year, ...]:
    """The Aurenga group under IFRS, in thousands of euro."""
    drivers = Drivers(
        41,
        (0.094, 0.071),
        0.362,
        0.204,
        0.006,
        0.171,
        0.012,
        0.014,
        0.038,
        77,
        68,
        88,
        0.35,
        0.034,
        minority=0.041,
        buyback=0.006,
        goodwill=0.0,
    )
    first = open_books(
        2022,
        512_608,
        24_500,
        drivers,
        development=18_402,
        licences=9_116,
        goodwill=61_240,
        land=71_204,
        plant=52_330,
        equipment=20_118,
        holdings=14_900,
        raw=36_214,
        finished=42_806,
        trade_receivables=106_402,
        tax_receivables=5_118,
        other_receivables=6_204,
        cash=64_118,
        prepaid=1_904,
        minorities=9_806,
        funds=11_402,
        severance_fund=8_216,
        banks_short=31_502,
        banks_long=104_018,
        trade_payables=71_406,
        tax_payables=6_802,
        social_payables=5_204,
        other_payables=13_118,
        accrued=1_902,
    )
    return history(first, drivers)
