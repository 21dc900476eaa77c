"""The wordings of the items of the balance sheet: for each its labels, the surest first (see `rules`)."""

from __future__ import annotations

from tasks.analyse.statements.rules import Rule, rule

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
