"""The words by which summaries, key phrases and sentences tell matter from form, Italian and English.

Plain lists, so that they can be read and added to. None names a firm or a trade: they hold for any business paper.
"""

from __future__ import annotations

import re


def _any(*alternatives: str) -> re.Pattern[str]:
    """Return a pattern for any of the alternatives, at the beginning of a word, in any case."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ABBREVIATIONS = _words(
    """
    abb al alt art artt avv btg c.a ca cap capp cd cfr c.c c.f cit cod col coll comp cons c.p cpv d.l d.lgs d.m d.p.r
    dir doc dott dr ecc ed es fatt fig f.lli geom gen ing int iscr l lett lgs loc mln mld mio n nn nr num ord p pag
    pagg par p.e p.es p.iva prof prot prov r.d rag reg rif s sec seg sig sigg sig.ra sp spec spett s.p.a s.r.l s.n.c
    s.a.s s.c.a.r.l s.s ss tab tav tel tit u.s v vol approx assn assoc ave blvd bros co corp dept dist div e.g est etc
    ex exh ext fed figs fl ft gov i.e inc incl jr llc ltd messrs min mr mrs ms mt nos op para plc ph.d pp pres pt ref
    rep rev sen sr st supp u.k u.s.a vs
    """
)
"""Before a full stop that ends no sentence."""

SHORT_MONTHS = _words(
    """
    jan feb mar apr jun jul aug sep sept oct nov dec gen mag giu lug ago set ott dic
    """
)

BOILERPLATE = _any(
    "forward[- ]looking",
    "safe harbor",
    "undersigned",
    "incorporated (?:herein )?by reference",
    "pursuant to",
    "here(?:by|unto|of)\\b",
    "thereunto",
    "in accordance with",
    "(?:refer|see|included|described|discussed|contained|provided|set forth|disclosed|"
    "presented).{0,40}\\b(?:notes?|items?|parts?|sections?|exhibits?|tables?|statements?)\\b",
    "the following (?:table|discussion|section|chart|graph)",
    "table of contents",
    "check ?mark",
    "registrant",
    "this (?:annual |quarterly )?report",
    "we (?:have )?audit",
    "our (?:audit|opinion)",
    "internal control over",
    "reasonable assurance",
    "material(?:ly)? (?:misstate|adverse|differ)",
    "generally accepted",
    "could (?:adversely|materially)",
    "may (?:adversely|materially|not be able)",
    "no assurance",
    "accounting (?:update|standard|polic)",
    "ASU\\b",
    "FASB\\b",
    "non-gaap",
    "all rights reserved",
    "press release",
    "conference call",
    "website",
    "www\\.",
    "webcast",
    "critical (?:audit|accounting)",
    "other disclosures",
    "the same meaning",
    "date of report",
    "ai sensi",
    "ai fini",
    "redatt[oaie] (?:secondo|in conformità|in base)",
    "in ottemperanza",
    "si rinvia",
    "si rimanda",
    "si veda",
    "nota integrativa",
    "principi contabili",
    "la seguente tabella",
    "nella tabella",
    "seguente prospetto",
    "di seguito",
    "presente (?:documento|relazione|bilancio)",
    "il sottoscritto",
    "letto,? approvato",
    "abbiamo svolto",
    "revisione (?:contabile|legale)",
    "cordiali saluti",
    "codice in materia",
    "d\\.lgs",
    "art\\. ?\\d+",
)
"""Caution, procedure and reference: true of every paper of its kind."""

MATTER = _any(
    "net sales\\b",
    "sales\\b",
    "revenues?\\b",
    "income\\b",
    "earnings\\b",
    "margins?\\b",
    "profits?\\b",
    "loss(?:es)?\\b",
    "cash flow",
    "dividends?\\b",
    "orders?\\b",
    "backlog\\b",
    "outlook\\b",
    "expects?\\b",
    "increas\\w+",
    "decreas\\w+",
    "grew\\b",
    "growth\\b",
    "declin\\w+",
    "acquir\\w+",
    "acquisitions?\\b",
    "agree[sd]?\\b",
    "agreement",
    "approved\\b",
    "appointed\\b",
    "resigned\\b",
    "elected\\b",
    "announced\\b",
    "terminat\\w+",
    "suppliers?\\b",
    "customers?\\b",
    "designs?\\b",
    "manufactur\\w+",
    "provides?\\b",
    "operates?\\b",
    "leader\\b",
    "strategy\\b",
    "segments?\\b",
    "must\\b",
    "shall\\b",
    "prices?\\b",
    "term\\b",
    "employ\\w+",
    "ricavi\\b",
    "fatturato\\b",
    "vendite\\b",
    "utile\\b",
    "perdita\\b",
    "margin[ei]\\b",
    "risultato\\b",
    "dividend[oi]\\b",
    "ordini\\b",
    "portafoglio\\b",
    "previsioni\\b",
    "cresciut\\w+",
    "crescita\\b",
    "aument\\w+",
    "diminu\\w+",
    "calo\\b",
    "ridu\\w+",
    "acqui\\w+",
    "contratto\\b",
    "fornitore\\b",
    "committente\\b",
    "approva\\w*",
    "delibera\\w*",
    "nomina\\w*",
    "investiment\\w+",
    "produ\\w+",
    "mercat\\w+",
    "client\\w+",
    "progetta\\b",
    "costruisce\\b",
    "prezz[oi]\\b",
    "durata\\b",
    "obbliga\\b",
    "recedere\\b",
    "pagament\\w+",
    "scadut\\w+",
    "fattur\\w+",
    "dipendenti\\b",
)
"""What papers of business are about."""

HEADLINE = _any(
    "net sales\\b",
    "(?:total |net )?revenues?\\b",
    "net (?:income|loss)\\b",
    "operating (?:income|profit|margin|loss)\\b",
    "earnings per\\b",
    "free cash flow\\b",
    "EBITDA\\b",
    "EBIT\\b",
    "gross (?:profit|margin)\\b",
    "comparable (?:store )?sales\\b",
    "ricavi\\b",
    "fatturato\\b",
    "utile (?:netto|d[’']esercizio)",
    "perdita (?:netta|d[’']esercizio)",
    "risultato (?:netto|operativo)",
    "valore della produzione",
    "posizione finanziaria netta",
)
"""The figures that a reader asks for first."""

FIGURE = re.compile(
    r"\d[\d.,]*\s?(?:%|percent|per cento|million|billion|milion|miliard|mila|euro|dollars)|[$€£]\s?\d", re.IGNORECASE
)

GOOD_SECTION = _any(
    "overview",
    "highlights",
    "results of operations",
    "item [17]\\.",
    "outlook",
    "executive summary",
    "performance",
    "full[- ]year",
    "financial results",
    "sintesi",
    "andamento",
    "relazione sulla gestione",
    "relazione intermedia",
    "evoluzione",
    "prospettive",
    "premessa",
    "oggetto",
    "risultati",
    "mercat",
)
POOR_SECTION = _any(
    "risk factors",
    "legal proceedings",
    "signature",
    "exhibit",
    "certification",
    "controls and procedures",
    "critical accounting",
    "new accounting",
    "report of independent",
    "notes? to",
    "note \\d",
    "significant accounting",
    "mine safety",
    "unresolved",
    "properties",
    "unallocated",
    "contractual obligations",
    "pension",
    "postretirement",
    "income taxes",
    "contingenc",
    "derivative",
    "fair value",
    "stock[- ]based",
    "leases?\\b",
    "environmental",
    "fattori di rischio",
    "principi contabili",
    "criteri di",
    "relazione del(?:la società|) (?:di revis|revis)",
    "nota integrativa",
    "note (?:illustrative|al bilancio|esplicative)",
    "firme",
    "privacy",
    "parti correlate",
)

LEANING = _any(
    "this\\b",
    "these\\b",
    "those\\b",
    "such\\b",
    "it\\b",
    "they\\b",
    "he\\b",
    "she\\b",
    "however\\b",
    "therefore\\b",
    "thus\\b",
    "moreover\\b",
    "also\\b",
    "accordingly\\b",
    "as a result\\b",
    "the above\\b",
    "in addition\\b",
    "additionally\\b",
    "further(?:more)?\\b",
    "see\\b",
    "note\\b",
    "questo\\b",
    "questa\\b",
    "questi\\b",
    "queste\\b",
    "tal[ei]\\b",
    "ess[oaie]\\b",
    "inoltre\\b",
    "pertanto\\b",
    "tuttavia\\b",
    "peraltro\\b",
    "quest[’']",
)
"""First words of a sentence that needs the one before it."""

JOINTS = {"it": _words("di del della dello dei degli delle dell d"), "en": _words("of")}
"""Prepositions inside a term: `portafoglio degli ordini`, `cost of sales`."""

EMPTY = _words(
    """
    company companies corporation year years fiscal quarter quarters period periods date time number amount amounts
    percent percentage million millions billion thousand thousands total january february march april may june july
    august september october november december certain various following prior current related including included
    includes includes based due primarily respectively approximately compared result results new use used using well
    within first second third one two three four per inc corp llc ltd plc ended ending end item items part parts note
    notes table page form set forth see however addition example generally particular order case also many several
    might must shall would could upon whether among both either each every because during while since between against
    above below further future general month months day days way means made make makes taken take given give subject
    applicable respect connection basis consolidated statements statement least most other others such than thereof
    therein held company's additional level approx associated higher lower increase increases increased decrease
    decreases decreased impact impacts driven reported primarily believes expects operations financial business market
    sales costs expense expenses information società anno anni esercizio periodo data euro mila milione milioni
    miliardi migliaia numero importo importi totale gennaio febbraio marzo aprile maggio giugno luglio agosto
    settembre ottobre novembre dicembre relativo relativa relativi relative seguente seguenti precedente precedenti
    pari circa base parte articolo art comma presente presenti stesso stessa stessi stesse altro altra altri altre
    primo prima secondo dopo entro ogni tutti tutte tutto ciascuno ciascuna nonché ovvero oppure mentre così già
    ancora solo molto oltre verso presso mediante tramite può possono deve devono viene vengono essere stato nota pag
    caso modo fine mesi mese giorno giorni volte volta senza fino invece infine dunque quindi sede legale via sarà
    saranno erano nessuna nessuno due tre quattro cinque dieci dodici quindici novanta resto mezzo anche attuale
    esclusa superiori massimo soprattutto rispetto previo maggior
    """
)
"""Words that are no key phrase by themselves nor begin or end one."""

NOT_AT_EDGE = {
    "it": re.compile(
        r"(?!soft|hard|immobili|alimentar|cantier|gener|pian|italian|poter|affar|sanitar|metan|uman|urban)"
        r"\w{3,}(?:mente|iscono|iscano|ando|endo|ano|ono|are|ere|ire|arsi|ersi|irsi|erà|eranno)"
    ),
    "en": re.compile(
        r"(?!suppl|assembl|famil)\w{3,}ly|recorded|received|paid|sold|sends?|proposes?|shared|including|resulting"
    ),
}
"""Adverbs and verb forms, with which a term neither begins nor ends; the look-ahead names nouns that look like them."""
NOT_AT_END = {
    "it": re.compile(
        r"(?!mercat|risultat|fatturat|contribut|statut|istitut|semilavorat|sindacat|comunicat|entrat|consolidat|tribut|operat|privat)"
        r"\w{3,}(?:at[oaie]|ut[oaie]|isce|ende|onde|uce|iene)"
    ),
    "en": re.compile(r"\w{3,}ed"),
}
"""Participles may begin a term (`adjusted free cash flow`), not end it."""
