"""The words of financial statements, English and Italian, as data: for each item the labels that stand for it.

Rules are tried in order and the first that fits gives the rank: the surer wording first (`total net revenue` before
`sales`). They are matched against canonical labels (see `labels.canonical`): lower case, no accents, no parentheses, no
punctuation. To teach a new wording add an alternative here and a case to the tests; nothing may name a company.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

StatementKind = Literal["income_statement", "balance_sheet", "cash_flow_statement"]
STATEMENTS: tuple[StatementKind, ...] = ("income_statement", "balance_sheet", "cash_flow_statement")


@dataclass(frozen=True, slots=True)
class Rule:
    """A wording: `pattern` must be found in the canonical label, `without` must not."""

    pattern: re.Pattern[str]
    without: re.Pattern[str] | None = None


def rule(pattern: str, without: str = "") -> Rule:
    return Rule(re.compile(f"^(?:{pattern})$"), re.compile(without) if without else None)


_MINORITY = r"non ?controlling|minorit|non ?redeemable|redeemable|preferred|participating|discontinued|terzi"
_GROUP = r"(?:al|di|del|della|dal|per|d)? ?(?:competenza|pertinenza|spettanza|quota|parte|attribuibile)?"
_NET_IT = r"(?:utile|perdita|risultato|utile perdita|avanzo)(?: netto| netta)?"
_NET_EN = r"(?:consolidated )?(?:net )?(?:income|earnings|loss|profit)(?: loss)?"
_YEAR_IT = r"(?: dell ?'?(?:esercizio|anno|periodo)| d ?'?esercizio| consolidat[oa]| di periodo| complessiv[oa])*"

INCOME: dict[str, tuple[Rule, ...]] = {
    "revenue": (
        rule(
            r"total (?:net |operating )*(?:revenues?|sales)(?: net)?(?: of interest expense)?|"
            r"total (?:net )?sales and revenues?"
            r"|total revenues? and other income|"
            r"total (?:net )?sales and (?:other )?operating revenues?|"
            r"totale (?:dei )?ricavi(?: e proventi)?(?: operativi)?"
        ),
        rule(
            r"ricavi (?:netti )?(?:delle|dalle|di|per|da) vendit[ae](?: nette?)?(?: e (?:delle |"
            r"dalle )?prestazioni(?: di servizi)?)?"
            r"|totale ricavi delle vendite e delle prestazioni|ricavi delle vendite e prestazioni"
        ),
        rule(
            r"(?:net |operating |consolidated )*(?:revenues?|sales|turnover)(?: net)?|"
            r"net sales and (?:operating )?revenues?|sales and other operating revenues?"
            r"|net operating revenues?|sales net|sales to customers|revenues? net of interest expense|"
            r"revenues? from contracts with customers|ricavi(?: netti| operativi| consolidati|"
            r" totali)?"
            r"|fatturato|vendite nette|ricavi da contratti con (?:i )?clienti|ricavi della gestione caratteristica"
        ),
    ),
    "value_of_production": (rule(r"totale (?:del )?valore della produzione|valore della produzione"),),
    "cost_of_goods_sold": (
        rule(
            r"total merchandise costs|merchandise costs|total costs? of (?:net )?(?:sales|revenues?|"
            r"goods sold|products? sold|services|products? and services|sales and services|"
            r"goods and services(?: sold)?|operations)"
            r"|total cost of (?:goods|products) and services|total cost of revenues? and .*"
        ),
        rule(
            r"costs? of (?:net )?(?:sales|revenues?|goods sold|products? sold|merchandise sold|"
            r"goods and services(?: sold)?|sales and services|services and (?:products?|sales|goods)|"
            r"products? and services(?: sold)?|products? and services sold)"
            r"(?: (?:net|exclusive|excluding|including|inclusive|buying|before|and occupancy|"
            r"and related|occupancy).*)?|costo del venduto.*|costo delle vendite|costi? (?:del|"
            r"dei) (?:venduto|prodotti venduti|beni venduti)",
            r"adjust",
        ),
    ),
    "gross_profit": (
        rule(
            r"(?:total |consolidated )?gross (?:profit|margin|income)(?: on sales)?|"
            r"margine lordo(?: industriale)?|utile lordo(?: industriale)?|risultato lordo|"
            r"margine industriale lordo"
        ),
    ),
    "research_and_development": (
        rule(
            r"(?:total )?research (?:and )?development(?: and (?:related|"
            r"engineering))?(?: and related)?(?: expenses?| costs?)?(?: net)?|"
            r"research and development expense net"
            r"|(?:costi|spese) (?:di|per) ricerca e sviluppo|ricerca e sviluppo|spese di ricerca e sviluppo.*"
        ),
        rule(r"product development(?: expenses?)?|technology and development|product development and technology"),
    ),
    "selling_general_administrative": (
        rule(
            r"(?:total )?(?:operating )?(?:selling|marketing|"
            r"sales)(?: marketing)?(?: and)? (?:general|"
            r"informational)(?: and)? (?:and )?administrative(?: expenses?| costs?)?(?: net)?"
            r"|"
            r"(?:total )?selling(?: and)? (?:informational )?(?:and )?(?:general )?(?:and )?administrative(?: expenses?|"
            r" costs?)?|selling marketing (?:general )?and administrative(?: expenses?)?"
            r"|marketing administration and research costs|"
            r"operating selling general and administrative expenses|"
            r"selling informational and administrative expenses"
            r"|selling general administrative and other expenses|selling general and administrative expenses .*"
            r"|(?:costi|spese) (?:commerciali|di vendita)(?: distribuzione)?(?: e)? (?:generali|"
            r"amministrativ[ei])(?: e)?(?: generali| amministrativ[ei])?"
        ),
    ),
    "personnel_cost": (
        rule(r"totale (?:dei )?(?:costi|costo) (?:per il|del|di) personale|totale per il personale"),
        rule(
            r"(?:costi|costo|spese) (?:per il|del|di|per) (?:personale|lavoro)|per il personale|"
            r"costo del lavoro|costi per benefici (?:ai|a) dipendenti"
            r"|(?:personnel|employee|staff)(?: benefits?)? (?:costs?|expenses?)|(?:salaries|"
            r"wages) (?:and )?(?:wages |salaries )?(?:and (?:employee )?benefits)?|"
            r"compensation and (?:employee )?benefits"
        ),
    ),
    "operating_income": (
        rule(r"differenza (?:fra|tra|-)? ?(?:il )?valore e (?:i )?costi (?:della|di) produzione.*|differenza a b"),
        rule(
            r"(?:total )?(?:operating|consolidated operating) (?:income|profit|earnings|"
            r"loss)(?: loss)?|(?:income|profit|earnings|loss)(?: loss)? from operations"
            r"|operating (?:profit|income) ebit|risultato operativo(?: ebit)?|"
            r"utile operativo(?: ebit)?|reddito operativo(?: ebit)?|ebit|perdita operativa|"
            r"risultato operativo netto"
            r"|income from operations net|margine operativo netto|utile operativo netto|"
            r"earnings before interest and taxes(?: ebit)?"
        ),
    ),
    "interest_expense": (
        rule(
            r"totale (?:degli )?interessi e (?:altri )?oneri finanziari|"
            r"totale interessi passivi(?: e altri oneri finanziari)?"
        ),
        rule(
            r"interest(?: and debt| and other debt| and other financing|"
            r" and related)? expenses?(?: and (?:other|related)(?: .*)?)?|interest and debt expense|"
            r"interessi e altri oneri finanziari"
            r"|interessi passivi(?: e altri oneri finanziari)?|oneri finanziari|"
            r"interest expense on debt|interest expense including .*|interest costs?|finance costs?|"
            r"financial expenses?|interest payable.*"
        ),
        rule(r"interest expense net.*|net interest expense"),
    ),
    "pretax_income": (
        rule(
            r"(?:income|earnings|loss|"
            r"profit)(?: loss)?(?: from continuing operations)? before (?:the )?(?:provision for |"
            r"benefit from |equity .* and )?(?:\w+ )?(?:income )?(?:tax|taxes)\b.*"
            r"|(?:income|earnings|loss|"
            r"profit)(?: loss)?(?: from continuing operations)? before (?:provision|benefit|taxes|"
            r"tax)\b.*|pre ?tax (?:income|earnings|profit|loss).*"
            r"|(?:income|earnings|loss)(?: from continuing operations)? before .{0,60}?income taxes.*|"
            r"net (?:income|earnings|loss) before (?:provision for )?(?:income )?taxes",
            r"adjust|ebitda",
        ),
        rule(
            r"(?:risultato|utile|perdita|utile perdita|reddito)(?: consolidato|"
            r" d ?'?esercizio)? (?:prima|ante|al lordo|lordo) ?(?:delle|di)? ?imposte.*|(?:risultato|"
            r"utile) ante imposte.*"
        ),
    ),
    "income_tax": (
        rule(r"totale (?:delle )?imposte (?:sul reddito)?.*"),
        rule(
            r"(?:total )?(?:provision|benefit|provision benefit|expense)? ?(?:for|"
            r"from)? ?(?:federal and foreign |federal )?income tax(?:es)?(?: expense| benefit|"
            r" provision)*"
            r"|(?:provision|benefit)(?: \w+)? (?:for|from) (?:income )?tax(?:es)?(?: on income)?|"
            r"tax(?:ation)? (?:expense|provision)|taxes on income|taxes|income tax expense.*|"
            r"provision for income taxes.*"
            r"|imposte(?: correnti)? sul reddito(?: d ?'?esercizio|"
            r" dell ?'?esercizio)?(?: correnti)?(?: differite)?(?: e)?(?: anticipate)?.*|"
            r"imposte(?: dell ?'?esercizio| sul reddito)?",
            r"before|net of|payable|deferred income taxes$|prima",
        ),
    ),
    "net_income": (
        rule(
            rf"{_NET_EN} (?:attributable|applicable|allocable|attributed) to (?:the )?(?:common |"
            rf"ordinary |controlling |equity )?(?:shareholders|stockholders|shareowners|owners|holders|"
            rf"interests?|parent|company)\b.*"
            rf"|(?:profit|loss) for the (?:year|period) attributable to (?:owners|equity|"
            rf"shareholders).*|{_NET_IT}{_YEAR_IT} (?:attribuibile |spettante |di |del |"
            rf"per )?{_GROUP} ?(?:al |del |agli |ai |di )?(?:gruppo|azionisti|soci|"
            rf"soci della controllante)\b.*"
            rf"|{_NET_IT}{_YEAR_IT} (?:di pertinenza|di competenza|attribuibile|"
            rf"di spettanza) .*(?:gruppo|controllante|capogruppo|azionisti|soci).*",
            _MINORITY,
        ),
        rule(rf"{_NET_EN} (?:attributable|applicable) to (?!common$).+", _MINORITY + "|per "),
        rule(
            rf"(?:consolidated )?net (?:income|earnings|loss|profit)(?: loss)?(?: for the (?:year|"
            rf"period))?|(?:profit|loss)(?: loss)? for the (?:financial )?(?:year|period)|"
            rf"profit after tax(?:ation)?"
            rf"|net income net loss|net loss net income|(?:utile|perdita|risultato|utile perdita|"
            rf"utile o perdita|perdita utile)(?: netto| netta)?{_YEAR_IT}|(?:utile|risultato|"
            rf"perdita)(?: netto| netta)? consolidat[oa](?: d'esercizio)?"
            rf"|totale utile perdita dell'esercizio|utile o perdita d'esercizio",
            r"^(?:utile|perdita|risultato|profit|loss|income)$",
        ),
        rule(
            r"net (?:income|earnings|loss)(?: loss)? (?:including|before|"
            r"from consolidated).*(?:non ?controlling|minority).*"
        ),
    ),
    "depreciation_amortization": (
        rule(r"totale (?:degli )?ammortamenti e (?:delle )?svalutazioni"),
        rule(
            r"ammortamenti e svalutazioni|ammortamenti(?: svalutazioni)?(?: e perdite di valore|"
            r" e impairment| svalutazioni| accantonamenti)*|"
            r"depreciation and amortization(?: expenses?)?|depreciation amortization and impairment.*"
        ),
    ),
}

BALANCE: dict[str, tuple[Rule, ...]] = {
    "cash_and_equivalents": (
        rule(
            r"(?:total )?cash and (?:cash )?equivalents(?: net.*| at .*)?|"
            r"totale (?:delle )?disponibilita liquide|(?:cassa|disponibilita liquide|"
            r"liquidita)(?: e mezzi equivalenti| ed equivalenti|"
            r" e altre disponibilita liquide equivalenti| mezzi equivalenti)?"
            r"|cassa e (?:altre disponibilita liquide|mezzi|disponibilita liquide)(?: equivalenti)?|"
            r"cassa e disponibilita liquide"
        ),
        rule(r"cash|cash and cash items|cash and due from banks|cash cash equivalents and restricted cash"),
    ),
    "accounts_receivable": (
        rule(
            r"(?:total )?(?:trade )?accounts receivables?(?: trade)?(?: net.*| less .*|"
            r" principally .*)?|trade (?:accounts )?receivables?(?: net.*| less .*)?|"
            r"totale crediti verso clienti|totale verso clienti|(?:crediti )?verso clienti|"
            r"crediti commerciali(?: correnti)?|crediti verso (?:la )?clientela|"
            r"crediti verso clienti.*"
        ),
        rule(
            r"(?:total )?(?:customer |net )?receivables?(?: net.*| less .*)?|accounts and (?:notes|"
            r"other|trade|customer) receivables?.*|accounts receivable .*|customer receivables?.*|"
            r"trade and other receivables?.*|crediti commerciali e (?:altri|diversi).*|"
            r"notes and accounts receivable.*|billed and unbilled receivables.*",
            r"unbilled receivables? net$|current portion|long term|non current|tax",
        ),
    ),
    "inventory": (
        rule(r"total (?:net )?inventor(?:y|ies)(?: net.*)?|totale (?:delle )?rimanenze"),
        rule(
            r"(?:merchandise )?inventor(?:y|ies)(?: net.*| at .*| less .*)?|rimanenze(?: finali|"
            r" di magazzino| nette)?|magazzino|merchandise inventor(?:y|ies).*",
            r"raw material|work in (?:process|progress)|finished goods|supplies$",
        ),
    ),
    "current_assets": (
        rule(
            r"total current assets|totale (?:dell ?'?)?attivo circolante|totale attivita correnti|"
            r"totale attivo corrente|totale (?:delle )?attivita correnti.*"
        ),
        rule(r"attivo circolante"),
    ),
    "property_plant_equipment": (
        rule(
            r"(?:total )?(?:net )?(?:land buildings|property|properties|utility plant|"
            r"plant)(?:[a-z ]*?)(?: and)? (?:equipment|plant|[a-z]* ?improvements|property|"
            r"properties)(?: pp and e)? (?:at cost )?net.*"
            r"|net (?:property|properties|land|plant)[a-z ]*|"
            r"(?:total )?property (?:plant )?(?:and )?equipment (?:at cost )?less accumulated .*|"
            r"fixed assets net.*|totale (?:delle )?immobilizzazioni materiali|"
            r"premises and equipment net|land buildings and equipment",
            r"gross|\bheld|leased to|\bleases?\b",
        ),
        rule(
            r"(?:total )?property (?:and )?(?:plant )?(?:and )?equipment|property plant and equipment|"
            r"totale immobili impianti e macchinari|immobili impianti e (?:macchinari|attrezzature).*|"
            r"immobilizzazioni materiali(?: nette)?|attivita materiali|totale attivita materiali|"
            r"plant property and equipment|immobilizzazioni tecniche",
            r"gross|held",
        ),
    ),
    "intangible_assets": (
        rule(
            r"(?:total )?(?:other |purchased |acquired |identifiable |acquisition related |"
            r"finite lived |definite lived |amortizable |identified |trademarks |"
            r"and )*intangibles?(?: assets?)?(?: net.*| less .*)?|"
            r"totale (?:delle )?immobilizzazioni immateriali|totale attivita immateriali"
        ),
        rule(
            r"immobilizzazioni immateriali(?: nette)?|"
            r"(?:altre )?attivita immateriali(?: a vita (?:utile )?definita)?|"
            r"other intangible assets.*|intangible assets other.*",
            r"goodwill|avviamento",
        ),
    ),
    "goodwill": (rule(r"goodwill(?: net.*)?|avviamento|totale avviamento"),),
    "total_assets": (
        rule(
            r"total assets|totale (?:dell ?'?)?attivo(?: patrimoniale| consolidato)?|"
            r"totale (?:delle )?attivita|totale stato patrimoniale attivo",
            r"corrent",
        ),
    ),
    "accounts_payable": (
        rule(
            r"(?:total )?(?:trade )?accounts payables?(?: trade| principally trade)?|"
            r"trade (?:accounts )?payables?(?: current)?|totale debiti verso fornitori|"
            r"(?:debiti )?verso fornitori|debiti commerciali(?: correnti)?"
        ),
        rule(
            r"accounts payable .*|trade and other payables.*|debiti commerciali e (?:altri|diversi).*|"
            r"vouchers payable",
            r"related part|affiliate|accrued compensation",
        ),
    ),
    "current_liabilities": (
        rule(
            r"total current liabilities|totale passivita correnti|totale passivo corrente|"
            r"totale (?:delle )?passivita correnti.*"
        ),
    ),
    "total_liabilities": (rule(r"total liabilities|totale passivita|totale (?:delle )?passivita", r"equity|netto"),),
    "shareholders_equity": (
        rule(
            r"totale (?:del )?patrimonio netto (?:consolidato )?(?:di |del |per il |attribuibile |"
            r"di pertinenza |di competenza |di spettanza |quota )*(?:al |del |di )?(?:gruppo|"
            r"capogruppo|agli azionisti|azionisti|ai soci|soci|controllante).*"
            r"|(?:patrimonio netto|totale) (?:di pertinenza |di competenza |attribuibile |"
            r"di spettanza )?(?:del |di |al |agli )(?:gruppo|azionisti|soci)\b.*|"
            r"patrimonio netto di gruppo"
            r"|total equity attributable to .*|equity attributable to (?:owners|equity holders|"
            r"share(?:holders|owners)|stockholders).*",
            r"terzi(?!.*gruppo)|minoranz|non ?controlling|minority",
        ),
        rule(
            r"total (?:[a-z0-9'\. ]+? )?(?:share|stock)(?:holders?|owners?)'?s?'? (?:equity|deficit|"
            r"investment)(?: deficit)?|total (?:common )?(?:share|stock)(?:holders?|owners?) equity.*|"
            r"shareholders'? (?:equity|funds)|stockholders'? equity|shareowners'? equity",
            r"liabilit|non ?controlling|before",
        ),
        rule(
            r"total (?:equity|deficit|capital|[a-z0-9 ]+ equity)(?: deficit)?|"
            r"totale (?:del )?patrimonio netto(?: consolidato)?|total (?:share|"
            r"stock)holders'? .*equity.*|equity",
            r"liabilit|and equity|temporary|non ?controlling",
        ),
        rule(r"patrimonio netto|totale patrimonio", r"passivo"),
    ),
}

CASH_FLOW: dict[str, tuple[Rule, ...]] = {
    "operating_cash_flow": (
        rule(
            r"(?:total |net )*cash (?:flows? )?(?:provided|used|generated|from|provided by|flows?|"
            r"inflow|outflow)?(?: \w+){0,3}? ?(?:by|from|in|for|"
            r"generated by) (?:all )?(?:operating activities|operations)|net operating cash flows?"
            r"|(?:net )?cash (?:provided|used|flows?|generated)(?: provided| used| by| from| in|"
            r" generated)* (?:operating activities|operations)(?: net)?"
            r"|flusso (?:finanziario |di cassa |monetario )?(?:netto )?(?:dell ?'?|dall ?'?|da |"
            r"derivante dall ?'?|generato dall ?'?|della |generato dalla )(?:attivita|"
            r"gestione)(?: operativa| d'esercizio| di esercizio| reddituale| operative).*"
            r"|(?:disponibilita liquide|cassa|liquidita)(?: nette?| netta)? (?:generat[ea]|"
            r"assorbit[ea]|utilizzat[ea])?.*(?:attivita|gestione) operativ[ae].*|flussi? (?:di cassa|"
            r"finanziari)? ?(?:net[ti]{1,2}|generat[oi])?.*(?:attivita|gestione) operativ[ae].*"
            r"|flusso finanziario dell'attivita operativa.*|totale flusso monetario da attivita operativ[ae].*",
            r"continuing|discontinued|before|adjust|prima|change|per share|excluding",
        ),
        rule(
            r"(?:total |net )*cash (?:provided|used|from|"
            r"flows?).*operating activities.*continuing operations.*|net cash .*operating activities",
            r"discontinued operations$|before|adjust",
        ),
    ),
    "depreciation_amortization": (
        rule(
            r"(?:total )?depreciation (?:and|depletion|"
            r"amortization)(?: and)?(?: amortization)?(?: and (?:accretion|other|"
            r"impairment.*))?(?: expenses?)?|depreciation amortization(?: and)?.*|"
            r"depreciation and amortization .*|amortization and depreciation.*|"
            r"depreciation depletion.*"
            r"|depreciation amortization accretion.*|ammortamenti(?: delle immobilizzazioni|"
            r" e svalutazioni| di immobilizzazioni.*| e perdite di valore.*| immobilizzazioni|"
            r" svalutazioni.*)?|totale ammortamenti.*",
            r"^amortization.*(?:debt|discount|financing|deferred|content|film|contract|capitalized|"
            r"program|issuance)|debt|financing costs|issuance",
        ),
    ),
    "capital_expenditure": (
        rule(
            r"(?:purchases?|acquisitions?|additions?|payments?|expenditures?|investments?|"
            r"capital expenditures?|outflows?)(?: of| to| for| on| in|"
            r" made for)*(?: the)?(?: purchases? of|"
            r" acquisitions? of)?(?: capital assets and)? ?(?:land buildings|property|properties|"
            r"plant|fixed assets|premises|capital assets|equipment|buildings)[a-z ]*"
            r"|capital expenditures?(?: net.*| including.*| for .*| and .*)?|capital spending|"
            r"payments? for capital expenditures.*|capital additions|additions to property.*|"
            r"property and equipment purchases|cash paid for (?:capital expenditures|property|"
            r"purchases? of property).*"
            r"|net purchases of property.*|payments to acquire property.*|"
            r"(?:property plant and equipment|property and equipment|"
            r"plant and equipment) (?:additions|expenditures|purchases|acquired)",
            r"proceeds|^accrued|^non ?cash|included in|unpaid|held for lease|businesses|liabilit|"
            r"sales? of|disposal|reduction in|investments? in (?:leases|debt)|deposits|excluding|"
            r"not yet paid|in accounts payable",
        ),
        rule(
            r"(?:investimenti|acquisti|acquisto|acquisizioni?) (?:in |di |"
            r"netti in )?(?:immobili impianti|immobilizzazioni materiali|attivita materiali|"
            r"immobilizzazioni tecniche).*|investimenti in immobilizzazioni(?: materiali.*)?|"
            r"immobilizzazioni materiali investimenti",
            r"immateriali$|disinvest",
        ),
    ),
    "dividends_paid": (
        rule(
            r"(?:cash |common |common stock |regular )*dividends? (?:paid|payments?)(?: to .*| on .*|"
            r" in cash.*)?|(?:payments?|payment) (?:of|for) (?:cash |common |common stock |regular |"
            r"quarterly )*dividends?.*|(?:cash )?dividends(?: on common stock| common and preferred|"
            r" common)?|dividends paid .*|dividends to (?:common |ordinary )?(?:share|"
            r"stock)(?:holders|owners).*|common stock dividends.*|cash dividends.*"
            r"|dividends (?:and dividend equivalents )?paid.*|"
            r"payments? of (?:common )?(?:stock )?dividends.*|"
            r"dividendi(?: e acconti su dividendi)?(?: pagati| corrisposti| distribuiti| erogati)?.*|"
            r"(?:pagamento|distribuzione|erogazione) (?:di |dei )?dividendi.*",
            r"non ?controlling|minorit|terzi|(?<!common and )preferred|received|ricevuti|incassati|"
            r"equity|payable|declared|subsidiar",
        ),
    ),
    "share_repurchases": (
        rule(
            r"(?:repurchases?|purchases?|acquisitions?|payments?|reacquisition|buybacks?|"
            r"cash paid)(?: of| for| to| and retirement of|"
            r" and cancellations? of)*(?: the)?(?: repurchases? of| repurchase| acquire| reacquire|"
            r" purchase)?(?: company)?(?: our)? ?(?:treasury (?:stock|shares)|common (?:stock|shares)|"
            r"company stock|ordinary shares|shares|stock for treasury|capital stock|"
            r"class a common stock|own shares|stock)(?: and .*| under .*| for treasury| net.*|"
            r" repurchased| acquired)?"
            r"|(?:common stock|treasury (?:stock|shares)|share|stock|"
            r"common share)s? (?:repurchase[sd]?|purchase[sd]?|acquired|buybacks?|reacquired)(?: .*)?|"
            r"share (?:buyback|repurchase)s?.*|repurchases? of (?:common|treasury|ordinary|class|"
            r"capital|company|shares).*|purchases? of (?:treasury|common) (?:stock|shares).*|"
            r"stock repurchases?.*"
            r"|acquisto (?:di )?azioni proprie|(?:cessione|"
            r"vendita) ?(?:acquisto)? (?:di )?azioni proprie|azioni proprie",
            r"tax|withh|proceeds|issuance|payable|employee|stock options|net share|warrant|notes|"
            r"option|excise|forward|unsettled|accrued",
        ),
    ),
}

ITEMS: dict[StatementKind, dict[str, tuple[Rule, ...]]] = {
    "income_statement": INCOME,
    "balance_sheet": BALANCE,
    "cash_flow_statement": CASH_FLOW,
}

_NCI_OR_NOT = r"(?: and .*)?"
ANCHORS: dict[StatementKind, dict[str, re.Pattern[str]]] = {
    "income_statement": {
        "top": re.compile(
            r"^(?:total )?(?:net |operating )*(?:revenues?|sales)|^totale (?:ricavi|"
            r"valore della produzione)|^ricavi|^valore della produzione"
        ),
        "tax": re.compile(r"(?:provision|benefit).*tax|income tax|^taxes|^imposte|^totale (?:delle )?imposte"),
        "pretax": re.compile(r"before .*tax|(?:prima|ante|lordo) .*imposte|before provision"),
        "bottom": re.compile(
            r"^(?:consolidated )?net (?:income|earnings|loss|profit)|^(?:profit|loss) for the|"
            r"^(?:utile|perdita|risultato)(?: netto)? (?:d'|dell'|di |del |netto|consolidat)|"
            r"^(?:utile|risultato) netto"
        ),
        "per_share": re.compile(r"^(?:basic|diluted)|per (?:common )?share|per azione"),
        "operating": re.compile(
            r"^operating (?:income|profit|earnings|loss)|from operations$|^differenza (?:tra|"
            r"fra) valore|^(?:risultato|utile|reddito) operativo"
        ),
        "costs": re.compile(
            r"^costs? of|^selling|^totale costi della produzione|^costi? |^per (?:servizi|il personale|materie)"
        ),
    },
    "balance_sheet": {
        "total": re.compile(
            r"^total assets$|^totale (?:attivo|attivita)$|^totale (?:dell'|delle )(?:attivo|attivita)$"
        ),
        "both": re.compile(
            r"^(?:total )?liabilities (?:and|redeemable|temporary|mezzanine|non ?controlling|"
            r"commitments|convertible).*(?:equity|deficit|investment|capital)|"
            r"^total liabilities .*(?:equity|deficit)|^totale (?:del )?passivo|^totale (?:passivo|"
            r"passivita|patrimonio netto) e (?:patrimonio netto|passivita)|"
            r"^total equity and liabilities"
        ),
        "current": re.compile(
            r"^total current (?:assets|liabilities)$|^totale (?:attivo circolante|attivita correnti|"
            r"passivita correnti|attivo corrente|passivo corrente)|^attivo circolante$"
        ),
        "equity": re.compile(
            r"^total .*equity$|^retained earnings|^totale patrimonio netto|^patrimonio netto|"
            r"^utili portati a nuovo|^riserva legale|^utili perdite portati a nuovo"
        ),
        "items": re.compile(
            r"^(?:accounts payable|inventories|goodwill|long term debt|accounts receivable|"
            r"other assets|other liabilities)|^totale (?:debiti|rimanenze|immobilizzazioni|crediti)|"
            r"^(?:debiti|crediti|rimanenze|disponibilita liquide|ratei e risconti|immobilizzazioni)"
        ),
    },
    "cash_flow_statement": {
        "operating": re.compile(
            r"cash.*(?:operating activities|operations)|attivita operativa|gestione (?:operativa|reddituale)"
        ),
        "investing": re.compile(
            r"cash.*investing activities|attivita d[i']? ?investimento|attivita di investimento|"
            r"gestione di investimento"
        ),
        "financing": re.compile(r"cash.*financing activities|attivita (?:di )?finanziament|attivita finanziaria"),
        "change": re.compile(
            r"(?:increase|decrease|change).* cash|(?:incremento|decremento|"
            r"variazione).*(?:disponibilita|liquid|cassa)|flusso .*(?:netto|del periodo|complessivo)"
        ),
        "ends": re.compile(
            r"cash.*(?:beginning|end) of|disponibilita liquide (?:a|all)'? ?(?:inizio|fine)|"
            r"cash.*at (?:beginning|end)"
        ),
    },
}

ESSENTIAL: dict[StatementKind, tuple[frozenset[str], ...]] = {
    "income_statement": (
        frozenset({"top", "bottom", "tax"}),
        frozenset({"top", "bottom", "pretax"}),
        frozenset({"top", "bottom", "operating"}),
    ),
    "balance_sheet": (
        frozenset({"total", "both"}),
        frozenset({"total", "equity", "current"}),
        frozenset({"both", "equity", "items"}),
    ),
    "cash_flow_statement": (
        frozenset({"operating", "investing", "financing"}),
        frozenset({"operating", "investing", "change"}),
        frozenset({"operating", "financing", "change"}),
        frozenset({"operating", "change", "ends"}),
    ),
}
"""The sets of anchors of which a table must hold one to be taken for the statement."""

TITLES: dict[StatementKind, re.Pattern[str]] = {
    "income_statement": re.compile(
        r"statements? of (?:consolidated )?(?:income|operations|earnings|comprehensive income|"
        r"profit)|income statements?|(?:profit and loss|p&l) account|conto economico|"
        r"statements? of .*(?:income|earnings|operations)"
    ),
    "balance_sheet": re.compile(
        r"balance sheets?|statements? of (?:consolidated )?financial (?:position|condition)|"
        r"stato patrimoniale|situazione patrimoniale"
    ),
    "cash_flow_statement": re.compile(
        r"statements? of (?:consolidated )?cash ?flows?|cash ?flow statements?|rendiconto finanziario"
    ),
}

NOT_PRIMARY = re.compile(
    r"selected (?:consolidated )?(?:historical )?(?:financial|quarterly|operating)|"
    r"quarterly (?:financial|results|data|information)|unaudited quarterly|pro ?forma|"
    r"parent company (?:only|statements?|financial)|condensed financial information of|"
    r"schedule i\b"
    r"|condensed consolidating|consolidating (?:statement|balance)|consolidating financial|"
    r"guarantor|obligor|segment|non gaap|reconciliation|percent(?:age)? of (?:net )?(?:sales|"
    r"revenues?)|supplemental consolidating|five year|ten year|summary of|common size|"
    r"impact of (?:adoption|the adoption)"
    r"|dati di sintesi|riclassificat|prospetto di raccordo|pro quota|nota integrativa"
)
PARENT_ONLY = re.compile(
    r"parent company|societa controllante|bilancio (?:separato|di esercizio|d'esercizio)|separate financial"
)
CONSOLIDATED = re.compile(r"consolidat")
OTHER_SCOPE = re.compile(
    r"consolidating|guarantor|obligor|parent|controllante|segment|pro ?forma|adoption|adjustments? (?:for|due to)|discontinued"
)
"""Words near a table that is about a part of the group or about other rules: its values may differ and are no conflict."""
