"""The wordings of the items of the income statement: for each its labels, the surest first (see `rules`)."""

from __future__ import annotations

from tasks.analyse.statements.rules import MINORITY, Rule, rule

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
            r"(?:total )?selling(?: and)? (?:informational )?(?:and )?(?:general )?(?:and )?administrative"
            r"(?: expenses?|"
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
            MINORITY,
        ),
        rule(rf"{_NET_EN} (?:attributable|applicable) to (?!common$).+", MINORITY + "|per "),
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
