"""The words of the reports in English and Italian, and the one object that templates take them from.

A phrase is a line in the table below, found by its key; `{name}` in it is filled in. A key that is missing raises, and
a test checks that every key used in the templates is here in both languages.
"""

from __future__ import annotations

import re
from typing import Final

from infra.errors import UsageError
from tasks.export.format import LANGUAGES, Format

_SLOT = re.compile(r"\{(\w+)\}")

PHRASES: Final[dict[str, tuple[str, str]]] = {
    # every report
    "contents": ("Contents", "Indice"),
    "page_of": ("Page {page} of", "Pagina {page} di"),
    "collection": ("Collection", "Raccolta"),
    "collection_at": ("Collection “{name}” · {date}", "Raccolta «{name}» · {date}"),
    "document": ("Document", "Documento"),
    "documents": ("Documents", "Documenti"),
    "page": ("Page", "Pagina"),
    "pages": ("Pages", "Pagine"),
    "source": ("Source", "Fonte"),
    "none_indexed": (
        "This collection holds no documents yet. Index a folder, then make the report again.",
        "Questa raccolta non contiene ancora documenti. Indicizzare una cartella, poi rifare il rapporto.",
    ),
    "notes": ("Notes", "Note"),
    "other": ("Other", "Altri"),
    "total": ("Total", "Totale"),
    "count": ("Count", "Numero"),
    "share": ("Share", "Quota"),
    "unknown": ("Unknown", "Sconosciuto"),
    # financial
    "financial_title": ("Financial report", "Rapporto finanziario"),
    "no_financial": (
        "No document of this collection has a financial analysis yet. Run the financial analysis first.",
        "Nessun documento di questa raccolta ha ancora un’analisi finanziaria. Eseguire prima l’analisi finanziaria.",
    ),
    "overview": ("Overview", "Quadro d’insieme"),
    "company": ("Company", "Società"),
    "latest_year": ("Latest period", "Ultimo periodo"),
    "key_figures": ("Key figures", "Valori principali"),
    "prior": ("{item}, year before", "{item}, anno precedente"),
    "average": ("{item}, average", "{item}, media"),
    "item": ("Item", "Voce"),
    "since": ("Since {period}", "Dal {period}"),
    "amounts_in": ("Amounts in {unit}. Changes in percent.", "Importi in {unit}. Variazioni in percentuale."),
    "unit_units": ("{currency}", "{currency}"),
    "unit_thousands": ("{currency} thousands", "migliaia di {currency}"),
    "unit_millions": ("{currency} millions", "milioni di {currency}"),
    "stated_currency": ("the stated currency", "valuta del bilancio"),
    "income_statement": ("Income statement", "Conto economico"),
    "balance_sheet": ("Balance sheet", "Stato patrimoniale"),
    "cash_flow_statement": ("Cash flow", "Rendiconto finanziario"),
    "other_figures": ("Other figures", "Altri valori"),
    "metrics": ("Metrics", "Indicatori"),
    "metric": ("Metric", "Indicatore"),
    "assessment": ("Light", "Giudizio"),
    "what_it_says": ("What it says", "Che cosa dice"),
    "good": ("sound", "solido"),
    "fair": ("watch", "attenzione"),
    "poor": ("weak", "debole"),
    "growth": ("Growth", "Crescita"),
    "profitability": ("Profitability", "Redditività"),
    "liquidity": ("Liquidity", "Liquidità"),
    "solidity": ("Solidity", "Solidità"),
    "efficiency": ("Efficiency", "Efficienza"),
    "cash": ("Cash", "Cassa"),
    "other_metrics": ("Other metrics", "Altri indicatori"),
    "lights_note": (
        "The lights follow general rules of thumb, not those of a sector; where the trade decides, there is none.",
        "I giudizi seguono regole generali, non di settore; dove decide solo il ramo d’attività non vi è giudizio.",
    ),
    "charts": ("Charts", "Grafici"),
    "chart_results": ("Revenue and results ({unit})", "Ricavi e risultati ({unit})"),
    "chart_margins": ("Margins (% of revenue)", "Margini (% dei ricavi)"),
    "chart_cash": ("Cash flow ({unit})", "Flussi di cassa ({unit})"),
    "chart_liquidity": ("Liquidity ratios", "Indici di liquidità"),
    "chart_capital": ("Assets and how they are financed ({unit})", "Attivo e fonti di finanziamento ({unit})"),
    "checks": ("Checks", "Verifiche"),
    "check": ("Check", "Verifica"),
    "period": ("Period", "Periodo"),
    "holds": ("holds", "quadra"),
    "fails_by": ("fails by {value}", "non quadra: {value}"),
    "no_checks": (
        "The figures found do not allow any check of the statements against themselves.",
        "I valori trovati non permettono alcuna verifica di quadratura dei prospetti.",
    ),
    "conflicts": ("Contradictions between places of the document", "Contraddizioni tra punti del documento"),
    "used": ("Used here", "Usato qui"),
    "elsewhere": ("Elsewhere", "Altrove"),
    "where_figures": ("Where each figure stands", "Dove si trova ogni valore"),
    "where_note": (
        "The page of each figure, by period. {documents}",
        "La pagina di ogni valore, per periodo. {documents}",
    ),
    "value": ("Value", "Valore"),
    "label_in_document": ("Label in the document", "Dicitura nel documento"),
    "how_computed": ("How each metric is computed", "Come si calcola ogni indicatore"),
    "formula": ("Formula", "Formula"),
    "inputs": ("Inputs", "Dati"),
    "no_figures": ("No figures were found in this document.", "In questo documento non sono stati trovati valori."),
    "without_figures": ("Documents without figures", "Documenti senza valori"),
    "reason": ("Reason", "Motivo"),
    "sentence_revenue": (
        "Revenue in {period} was {value}{change}.",
        "I ricavi {period} sono stati {value}{change}.",
    ),
    "sentence_change": (", {change} on {before}", ", {change} rispetto a {before}"),
    "sentence_net": ("Net income was {value}.", "L’utile netto è stato {value}."),
    "sentence_loss": ("The net result was a loss of {value}.", "Il risultato netto è una perdita di {value}."),
    "sentence_lights": (
        "Of {total} metrics with a light for {period}, {good} are sound, {fair} to watch and {poor} weak.",
        "Dei {total} indicatori con giudizio per {period}, {good} sono solidi, {fair} da seguire e {poor} deboli.",
    ),
    # analysis
    "analysis_title": ("Reading report", "Rapporto di lettura"),
    "no_analyses": (
        "No document of this collection has been analysed yet. Run an analysis first.",
        "Nessun documento di questa raccolta è stato ancora analizzato. Eseguire prima un’analisi.",
    ),
    "summary": ("Summary", "Sintesi"),
    "summary_page": ("{text} (p. {page})", "{text} (pag. {page})"),
    "generated_summary": ("Summary written by a language model", "Sintesi scritta da un modello linguistico"),
    "generated_note": (
        "This text was generated by a model and may be wrong; the sentences above are the document’s own.",
        "Questo testo è generato da un modello e può contenere errori; le frasi sopra sono del documento.",
    ),
    "sentiment": ("Sentiment", "Tono"),
    "positive": ("positive", "positivo"),
    "neutral": ("neutral", "neutro"),
    "negative": ("negative", "negativo"),
    "sentiment_sentence": (
        "The document as a whole reads {label} (score {score}); {positive} of {total} passages are positive, {neutral} "
        "neutral and {negative} negative.",
        "Nel complesso il documento ha tono {label} (punteggio {score}); su {total} passi {positive} sono positivi, "
        "{neutral} neutri e {negative} negativi.",
    ),
    "no_text_to_judge": (
        "There is no running text whose tone could be judged.",
        "Non vi è testo corrente di cui giudicare il tono.",
    ),
    "sentiment_alone": (
        "The document as a whole reads {label} (score {score}).",
        "Nel complesso il documento ha tono {label} (punteggio {score}).",
    ),
    "model_used": ("Model: {model}", "Modello: {model}"),
    "sentiment_chart": ("Tone through the document", "Tono lungo il documento"),
    "first_page": ("page {page}", "pag. {page}"),
    "by_section": ("Sentiment by section", "Tono per sezione"),
    "section": ("Section", "Sezione"),
    "passages": ("Passages", "Passi"),
    "strongest": ("Strongest passages", "Passi più netti"),
    "passage": ("Passage", "Passo"),
    "tone": ("Tone", "Tono"),
    "score": ("Score", "Punteggio"),
    "key_phrases": ("Key phrases", "Espressioni chiave"),
    "phrase": ("Phrase", "Espressione"),
    "weight": ("Weight", "Peso"),
    "entities": ("Entities", "Entità"),
    "kind": ("Kind", "Tipo"),
    "found": ("Found", "Trovato"),
    "times": ("Times", "Volte"),
    "classification": ("Classification", "Classificazione"),
    "label": ("Label", "Etichetta"),
    "probability": ("Probability", "Probabilità"),
    "statistics": ("Text statistics", "Statistiche del testo"),
    "language": ("Language", "Lingua"),
    "analysis": ("Analysis", "Analisi"),
    "failed_analyses": ("Analyses that failed", "Analisi non riuscite"),
    "error": ("Error", "Errore"),
    # collection
    "collection_title": ("Collection report", "Rapporto sulla raccolta"),
    "indexed": ("Indexed", "Indicizzati"),
    "quarantined": ("In quarantine", "In quarantena"),
    "chunks": ("Passages in the index", "Passi nell’indice"),
    "size": ("Size", "Dimensione"),
    "what_is_in": ("What is in it", "Che cosa contiene"),
    "by_type": ("Documents by type", "Documenti per tipo"),
    "by_language": ("Documents by language", "Documenti per lingua"),
    "by_age": ("Documents by age of the file", "Documenti per età del file"),
    "age_week": ("up to a week", "fino a una settimana"),
    "age_month": ("up to a month", "fino a un mese"),
    "age_quarter": ("up to three months", "fino a tre mesi"),
    "age_year": ("up to a year", "fino a un anno"),
    "age_three": ("one to three years", "da uno a tre anni"),
    "age_more": ("more than three years", "più di tre anni"),
    "growth_chart": ("Growth: documents indexed in all", "Crescita: documenti indicizzati in tutto"),
    "type": ("Type", "Tipo"),
    "failures": ("Failures", "Documenti non riusciti"),
    "failures_by_kind": ("Failures by kind", "Per tipo di errore"),
    "no_failures": ("No document is in quarantine.", "Nessun documento è in quarantena."),
    "stage": ("Stage", "Fase"),
    "attempts": ("Tries", "Tentativi"),
    "message": ("What went wrong", "Che cosa è andato storto"),
    "all_documents": ("All documents", "Tutti i documenti"),
    "indexed_on": ("Indexed on", "Indicizzato il"),
    "state": ("State", "Stato"),
    "state_indexed": ("indexed", "indicizzato"),
    "largest": ("Largest documents", "Documenti più grandi"),
    # executive
    "executive_title": ("Executive summary", "Sintesi per la direzione"),
    "analysed": ("Analysed", "Analizzati"),
    "of_total": ("of {total}", "su {total}"),
    "all_well": ("all well", "tutto bene"),
    "need_attention": ("need attention", "da verificare"),
    "companies": ("Companies", "Società"),
    "more_rows": ("More in the full report: {count}.", "Altri nel rapporto completo: {count}."),
    "attention": ("What needs attention", "Che cosa richiede attenzione"),
    "nothing_needed": ("Nothing needs attention.", "Nulla richiede attenzione."),
    "attention_failures": (
        "In quarantine as {kind}: {count}. {message}",
        "In quarantena come {kind}: {count}. {message}",
    ),
    "attention_checks": (
        "{company}: checks of the statements that do not hold: {count}.",
        "{company}: verifiche di bilancio che non quadrano: {count}.",
    ),
    "attention_weak": ("{company}: weak {metrics}.", "{company}: deboli {metrics}."),
    "attention_analyses": ("Analyses that failed: {count}.", "Analisi non riuscite: {count}."),
    "tone_of_documents": ("Tone of the documents", "Tono dei documenti"),
    # weekly
    "weekly_title": ("The platform’s week", "La settimana della piattaforma"),
    "week_of": ("{first} – {last}", "{first} – {last}"),
    "no_week": (
        "Nothing is known of this week: no run, no document, no schedule was recorded.",
        "Di questa settimana non si sa nulla: non risultano esecuzioni, documenti o pianificazioni.",
    ),
    "work": ("Work", "Lavoro"),
    "docs_indexed": ("Documents indexed", "Documenti indicizzati"),
    "docs_failed": ("Documents failed", "Documenti non riusciti"),
    "week_before": ("week before: {value}", "settimana prima: {value}"),
    "cache_rate": ("Cache hit rate", "Successi della cache"),
    "cache_note": ("{hits} of {total}", "{hits} su {total}"),
    "chart_days": ("Documents a day", "Documenti al giorno"),
    "chart_throughput": ("Throughput (pages a second)", "Resa (pagine al secondo)"),
    "chart_duration": ("Seconds a document", "Secondi per documento"),
    "day": ("Day", "Giorno"),
    "time_spent": ("Time", "Tempo"),
    "examples": ("Examples", "Esempi"),
    "queues": ("Queues", "Code"),
    "queue": ("Queue", "Coda"),
    "runs": ("Runs", "Esecuzioni"),
    "median_wait": ("Median wait", "Attesa mediana"),
    "longest_wait": ("Longest wait", "Attesa massima"),
    "failed": ("Failed", "Fallite"),
    "schedules": ("Schedules", "Pianificazioni"),
    "schedule": ("Schedule", "Pianificazione"),
    "expected": ("Expected", "Previste"),
    "completed": ("Completed", "Completate"),
    "latest_start": ("Latest start", "Ritardo massimo"),
    "last_success": ("Last success", "Ultimo successo"),
    "storage": ("Storage and indexes", "Spazio e indici"),
    "growth_column": ("Change", "Variazione"),
    "disk_free": ("Free disk space", "Spazio libero su disco"),
    "made": ("Analyses and models made", "Analisi e modelli prodotti"),
    "made_what": ("Made", "Prodotto"),
    "model": ("Model", "Modello"),
    "remark": ("Remark", "Nota"),
    "nothing_made": ("No analysis and no model was made.", "Non sono stati prodotti analisi né modelli."),
    "alerts": ("Alerts", "Avvisi"),
    "alert": ("Alert", "Avviso"),
    "text": ("Message", "Messaggio"),
    "when": ("When", "Quando"),
    "no_alerts": ("No alert was raised.", "Nessun avviso emesso."),
    "needs_person": ("What needs a person", "Che cosa richiede una persona"),
    "nothing_person": ("Nothing needs a person.", "Nulla richiede una persona."),
    "punctuality": ("Schedules on time", "Pianificazioni eseguite"),
    "need_backup": ("There is no backup: faldone backup", "Non c’è alcuna copia di sicurezza: faldone backup"),
    "need_new_backup": (
        "The latest backup is of {date}: faldone backup",
        "L’ultima copia di sicurezza è del {date}: faldone backup",
    ),
    "need_schedule": (
        "{name}: {done} of {expected} runs completed, {failed} failed",
        "{name}: completate {done} esecuzioni su {expected}, {failed} fallite",
    ),
    "need_redis": ("Redis does not answer: {why}", "Redis non risponde: {why}"),
    "note_no_api": (
        "No Prefect server is set: runs, queues and schedules are not known.",
        "Nessun server Prefect è impostato: esecuzioni, code e pianificazioni non sono note.",
    ),
    "note_api_away": (
        "Runs, queues and schedules are not known: {why}",
        "Esecuzioni, code e pianificazioni non sono note: {why}",
    ),
    "note_growth": (
        "Growth is not known: there is no backup from before the week.",
        "La crescita non è nota: non c’è una copia di sicurezza precedente alla settimana.",
    ),
    "note_cache": (
        "Cache hits are counted by Redis since it was started.",
        "I successi della cache sono contati da Redis dal suo avvio.",
    ),
    "some_failed": ("{count} failed", "{count} fallite"),
    "ledger_only": (
        "Made from this collection's ledger alone; queues, schedules and alerts are in the platform's report.",
        "Dal solo registro di questa raccolta; code, pianificazioni e avvisi sono nel rapporto della piattaforma.",
    ),
    "no_runs": ("No run was recorded.", "Nessuna esecuzione registrata."),
    "no_data": ("Not known.", "Non noto."),
}

KINDS: Final[dict[str, tuple[str, str]]] = {
    "revenue_less_cost_is_gross_profit": (
        "Revenue − cost of goods sold = gross profit",
        "Ricavi − costo del venduto = utile lordo",
    ),
    "balance_sheet_balances": (
        "Assets = liabilities and equity as stated",
        "Totale attivo = totale passivo dichiarato",
    ),
    "assets_are_liabilities_and_equity": ("Assets = liabilities + equity", "Attivo = passività + patrimonio netto"),
    "pretax_less_tax_is_net_income": (
        "Income before tax − tax = net income",
        "Risultato ante imposte − imposte = utile netto",
    ),
    "parts_do_not_exceed_assets": ("Current assets ≤ total assets", "Attivo circolante ≤ totale attivo"),
    "encrypted": ("encrypted", "cifrato"),
    "corrupt": ("corrupt", "danneggiato"),
    "unsupported": ("unsupported format", "formato non gestito"),
    "missing_program": ("missing program", "programma mancante"),
    "empty": ("empty", "vuoto"),
    "too_large": ("too large", "troppo grande"),
    "no_text": ("no text", "senza testo"),
    "timeout": ("too slow", "troppo lento"),
    "memory": ("too much memory", "troppa memoria"),
    "crash": ("parser crashed", "lettore interrotto"),
    "permission": ("not permitted", "accesso negato"),
    "not_found": ("not found", "non trovato"),
    "network": ("network", "rete"),
    "internal": ("internal error", "errore interno"),
    "vat_number": ("VAT number", "Partita IVA"),
    "codice_fiscale": ("Italian tax code", "Codice fiscale"),
    "tax_code": ("Italian tax code", "Codice fiscale"),
    "ein": ("US employer number (EIN)", "Numero EIN (Stati Uniti)"),
    "iban": ("IBAN", "IBAN"),
    "date": ("date", "data"),
    "amount": ("amount", "importo"),
    "email": ("e-mail address", "indirizzo e-mail"),
    "domain": ("domain", "dominio"),
    "email_domain": ("e-mail domain", "dominio e-mail"),
    "percentage": ("percentage", "percentuale"),
    "words": ("words", "parole"),
    "sentences": ("sentences", "frasi"),
    "characters": ("characters", "caratteri"),
    "paragraphs": ("paragraphs", "paragrafi"),
    "tables": ("tables", "tabelle"),
    "titles": ("titles", "titoli"),
    "words_per_sentence": ("words per sentence", "parole per frase"),
    "readability_gulpease": (
        "readability (Gulpease, 0 hard to 100 easy)",
        "leggibilità (Gulpease, da 0 difficile a 100 facile)",
    ),
    "readability_flesch": (
        "readability (Flesch, 0 hard to 100 easy)",
        "leggibilità (Flesch, da 0 difficile a 100 facile)",
    ),
    "pages": ("pages", "pagine"),
}


class Words:
    """Phrases and formats of one language: `words("key", name=value)` and `words.format`."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise UsageError(f"no reports in {language!r}: choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self.format = Format(language)
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: str) -> str:
        phrase = PHRASES[key][self._index]
        # one pass and not str.format: a value from a document may itself hold braces
        return _SLOT.sub(lambda slot: values[slot[1]], phrase) if values else phrase

    def kind(self, name: str) -> str:
        """A failure, entity or statistic by its name, in words."""
        pair = KINDS.get(name)
        return pair[self._index] if pair else name.replace("_", " ")
