"""The prose of the contract, the minutes, the policy and the other papers, in Markdown; figures come from the books."""

from __future__ import annotations

from samples.make import firms
from samples.make.statement import italian

CONTRACT = [
    (
        "Parti",
        "Tra Tessitura Montescaro S.p.A., con sede in Via delle Filande 18, 13888 Montescaro (BI), partita IVA "
        "09999018881 (il «Committente»), e Frantoio del Trebbio S.r.l., con sede in Strada Vicinale dei Lecci 4, 53999 "
        "Trebbio in Valle (SI), partita IVA 09999028880 (il «Fornitore»), si conviene e si stipula quanto segue.",
    ),
    (
        "Art. 1 – Oggetto",
        "Il Fornitore si obbliga a fornire al Committente olio extravergine di oliva in confezioni "
        "regalo personalizzate, da destinare ai clienti e ai dipendenti del Committente, nelle quantità e alle condizioni "
        "indicate nell'Allegato A.",
    ),
    (
        "Art. 2 – Durata e recesso",
        "Il contratto ha durata di ventiquattro mesi dal 1° marzo 2025 e non si rinnova "
        "tacitamente. Ciascuna parte può recedere con preavviso scritto di novanta giorni da inviare a mezzo posta "
        "elettronica certificata; restano dovute le forniture già ordinate.",
    ),
    (
        "Art. 3 – Corrispettivi",
        "Il prezzo è di 14,80 euro per bottiglia da 0,50 litri e di 62,00 euro per cassetta da "
        "cinque bottiglie, IVA esclusa. I prezzi sono fermi per dodici mesi; poi possono essere adeguati alla variazione "
        "dell'indice ISTAT FOI, con un massimo del 4% annuo.",
    ),
    (
        "Art. 4 – Ordini e consegne",
        "Gli ordini sono trasmessi entro il giorno 10 di ogni mese. La consegna avviene "
        "franco magazzino del Committente entro venti giorni lavorativi dall'ordine. Il rischio passa al Committente al "
        "momento dello scarico.",
    ),
    (
        "Art. 5 – Pagamenti",
        "Le fatture elettroniche sono pagate a sessanta giorni fine mese a mezzo bonifico. In caso "
        "di ritardo decorrono gli interessi di mora previsti dal D.Lgs. 231/2002, senza necessità di costituzione in "
        "mora.",
    ),
    (
        "Art. 6 – Penali",
        "Per ogni giorno di ritardo nella consegna, oltre il terzo, il Fornitore corrisponde una "
        "penale pari allo 0,5% del valore dell'ordine, fino a un massimo del 10%. È salvo il risarcimento del maggior "
        "danno.",
    ),
    (
        "Art. 7 – Qualità e garanzia",
        "L'olio deve avere acidità non superiore allo 0,3% e provenire da olive raccolte "
        "nella stessa campagna. Il Committente può denunciare i vizi entro quindici giorni dalla scoperta; il Fornitore "
        "sostituisce a proprie spese le partite non conformi.",
    ),
    (
        "Art. 8 – Riservatezza e dati personali",
        "Le parti mantengono riservate le informazioni di cui vengono a "
        "conoscenza per cinque anni dopo la cessazione. I dati personali sono trattati secondo il Regolamento (UE) "
        "2016/679, ciascuna parte quale titolare autonomo.",
    ),
    (
        "Art. 9 – Forza maggiore",
        "Nessuna parte risponde dell'inadempimento dovuto a eventi imprevedibili e fuori dal "
        "proprio controllo, tra cui gelate, siccità straordinarie e fitopatie degli oliveti. Se l'evento dura oltre "
        "sessanta giorni, l'altra parte può risolvere il contratto.",
    ),
    (
        "Art. 10 – Clausola risolutiva espressa",
        "Il contratto si risolve di diritto, ai sensi dell'art. 1456 del codice "
        "civile, in caso di tre ritardi superiori a dieci giorni nello stesso anno o di perdita della certificazione "
        "biologica.",
    ),
    (
        "Art. 11 – Foro competente",
        "Per ogni controversia è competente in via esclusiva il Foro di Biella, previo "
        "tentativo di mediazione presso l'organismo della Camera di commercio.",
    ),
]

PRICES = [
    ["Confezione", "Quantità minima", "Prezzo unitario (euro)"],
    ["Bottiglia 0,50 l", "300", "14,80"],
    ["Cassetta da 5 bottiglie", "80", "62,00"],
    ["Latta 3 l", "50", "58,50"],
    ["Orcio in ceramica 1 l", "20", "74,00"],
]

NDA = [
    (
        "Parties",
        "This Mutual Non-Disclosure Agreement is made on 14 January 2025 between Quillmere Instruments, Inc. "
        "and Aurenga Sistemi S.p.A. in connection with the joint development of an automated sample-handling cell.",
    ),
    (
        "1. Confidential Information",
        "Confidential Information means any technical, commercial or financial information "
        "disclosed by one party to the other and marked as confidential, or which a reasonable person would understand to "
        "be confidential.",
    ),
    (
        "2. Obligations",
        "The receiving party shall keep Confidential Information secret, use it only to evaluate the "
        "project, and disclose it only to employees and advisers who need to know it and are bound by equal duties.",
    ),
    (
        "3. Exclusions",
        "These duties do not apply to information that is public, was already known, is independently "
        "developed, or must be disclosed by law, provided that prompt notice is given.",
    ),
    (
        "4. Term",
        "This Agreement lasts three years from its date; the duty of confidence survives for seven years. Each "
        "party shall return or destroy all copies within thirty days of a written request.",
    ),
    (
        "5. Governing law",
        "This Agreement is governed by the laws of Ireland, and the courts of Dublin have exclusive jurisdiction.",
    ),
]


def assembly_minutes() -> str:
    """Verbale dell'assemblea that approves the parent's accounts."""
    now = firms.parent()[-1]
    return f"""# Verbale dell'assemblea ordinaria degli azionisti

**Tessitura Montescaro S.p.A.** – Via delle Filande 18, Montescaro (BI)

Il giorno 29 aprile 2025, alle ore 10.30, presso la sede sociale, si è riunita in prima convocazione l'assemblea
ordinaria per deliberare sul seguente

## Ordine del giorno

1. Approvazione del bilancio al 31 dicembre 2024 e delle relazioni che lo accompagnano.
2. Destinazione dell'utile d'esercizio.
3. Nomina del collegio sindacale per il triennio 2025–2027 e determinazione dei compensi.
4. Autorizzazione all'acquisto di azioni proprie.

Assume la presidenza la dott.ssa Ottavia Brancaleoni, che constata la presenza, in proprio o per delega, di azionisti
che rappresentano 5.412.000 azioni su 6.000.000, pari al 90,2% del capitale sociale. Funge da segretario il notaio
Ercole Pianalto.

## Primo punto: approvazione del bilancio

Il presidente illustra il bilancio, che chiude con ricavi di {italian(now.revenue)} euro e un utile di
{italian(now.result)} euro. Il presidente del collegio sindacale, rag. Fosco Marinelli, dà lettura della relazione.
L'azionista Gaudenzio Rivetta chiede chiarimenti sulla crescita delle rimanenze di filati tecnici; risponde il
direttore generale. L'assemblea approva all'unanimità.

## Secondo punto: destinazione dell'utile

L'assemblea delibera, con il voto contrario dell'azionista Rivetta (120.000 azioni), di distribuire un dividendo di
0,20 euro per azione, in pagamento dal 21 maggio 2025, e di destinare il resto a riserve.

## Terzo punto: collegio sindacale

Sono nominati sindaci effettivi Fosco Marinelli (presidente), Tecla Ormea e Silvano Dronero; supplenti Ida Valsesia e
Renzo Crevacuore. Il compenso annuo è fissato in 18.000 euro per il presidente e 14.400 euro per ciascun sindaco.

## Quarto punto: azioni proprie

La proposta di autorizzare l'acquisto di azioni proprie fino al 5% del capitale è rinviata a una prossima assemblea.

Null'altro essendovi da deliberare, la seduta è tolta alle ore 12.15.

Il presidente *Ottavia Brancaleoni* – Il segretario *Ercole Pianalto*
"""


BOARD_MINUTES = """# Verbale del consiglio di amministrazione

**Aurenga Sistemi S.p.A.** – seduta del 18 febbraio 2025, ore 15.00, in videoconferenza

Presenti: Learco Santagiulia (presidente), Norma Bisceglia (amministratrice delegata), Amos Tregnago, Fedora
Quinzani. Assente giustificato: Ulisse Calvignano. Per il collegio sindacale: Brunilde Ascani.

## 1. Approvazione dell'investimento nello stabilimento di Carpignola

L'amministratrice delegata presenta il piano per una seconda linea di celle robotizzate nello stabilimento di
Carpignola, per 12,6 milioni di euro in tre anni, con un tempo di recupero di 4,2 anni. Il consiglio approva
all'unanimità e delega la firma dei contratti fino a 2 milioni ciascuno.

## 2. Politica di sicurezza informatica

Dopo il tentativo di intrusione del 9 gennaio, senza perdita di dati, il consiglio approva l'adozione
dell'autenticazione a più fattori per tutti i fornitori con accesso remoto entro il 30 giugno 2025 e uno stanziamento
di 480.000 euro. Il responsabile della sicurezza riferirà ogni trimestre.

## 3. Operazione con parte correlata

Il consigliere Tregnago dichiara il proprio interesse ai sensi dell'art. 2391 del codice civile e si astiene. Il
consiglio, acquisito il parere favorevole del comitato, rinnova per sei anni la locazione dello stabilimento principale
a un canone annuo di 640.000 euro.

## 4. Varie ed eventuali

Si prende atto delle dimissioni del direttore commerciale, Dott. Evaristo Lomellina, con effetto dal 31 marzo 2025.
La prossima seduta è fissata per il 13 marzo 2025.

La seduta è tolta alle ore 17.20.
"""

EXPENSES = """# Procedura note spese

*Tessitura Montescaro S.p.A. – revisione 4, in vigore dal 1° gennaio 2025*

## Chi autorizza

Le trasferte in Italia sono autorizzate dal responsabile di reparto; quelle all'estero dalla direzione generale,
almeno **dieci giorni** prima della partenza.

## Massimali

| Voce | Italia | Estero |
| --- | ---: | ---: |
| Albergo, a notte | 110,00 € | 160,00 € |
| Pasto | 32,00 € | 45,00 € |
| Rimborso chilometrico | 0,42 €/km | 0,42 €/km |

## Rimborso

1. La nota spese si presenta entro il giorno 5 del mese seguente, con i giustificativi in originale.
2. L'ufficio amministrazione controlla e paga con lo stipendio del mese.
3. Non si rimborsano multe, minibar e mance.

Le spese sopra i 500 euro si pagano soltanto con la carta aziendale: il contante non è ammesso.
"""

HANDBOOK = """---
title: Supplier Quality Handbook
author: Quillmere Instruments, Inc.
lang: en
identifier: urn:uuid:5b1c0d6e-7a40-4f5e-9f11-0a6d4f3c2b10
date: 2024-09-02
---

# Chapter 1. Purpose and scope

This handbook sets out what Quillmere Instruments expects of every supplier of production material. It applies to
machined parts, electronics, optics and packaging. Suppliers acknowledge it with the first purchase order.

# Chapter 2. First article inspection

Before series delivery the supplier submits a first article inspection report with measurements of every drawing
dimension on five parts from the production tool. Quillmere answers within ten working days. A change of tool, of
material or of place of manufacture requires a new report.

# Chapter 3. Deliveries and packaging

Electronic boards travel in antistatic bags with humidity cards. Each pallet weighs no more than 650 kilograms and
carries a label with purchase order, part number, revision and lot. Lots are never mixed in one box.

# Chapter 4. Nonconforming material

A supplier who finds that nonconforming parts have been shipped tells Quillmere within 24 hours. A corrective action
report in eight disciplines follows within fifteen days. The quality score falls by two points for each repeated defect;
below 70 points no new business is awarded.

# Chapter 5. Conflict minerals and sustainability

Suppliers declare the origin of tin, tantalum, tungsten and gold every year, and report their greenhouse gas emissions
for scope 1 and scope 2 by the end of March.
"""

MEMO = """PROMEMORIA PER LA CAMPAGNA OLEARIA 2025
Frantoio del Trebbio S.r.l.

Perché quest'anno si comincia prima: le previsioni danno piogge già dalla metà di ottobre, e la mosca olearia è stata
più aggressiva del solito. Si apre il 6 ottobre; l'orario di conferimento è dalle 7 alle 21, sabato compreso.

Da fare entro settembre
- revisione del decanter (ditta Meccanica Forcone, preventivo di € 6.750 più IVA)
- pulizia dei serbatoi d'acciaio e controllo dell'azoto
- verifica della bilancia a ponte: il bollo scade il 19 settembre
- assunzione di quattro stagionali; il più esperto segue la gramolatura

Prezzi di molitura: 17 € al quintale fino a 5 quintali, 15 € oltre. Chi non ritira l'olio entro tre giorni paga la
sosta: è una novità, va detto a tutti con garbo.

La qualità è ciò che ci distingue: temperatura della pasta mai sopra i 27 gradi, così l'etichetta può dire «estratto a
freddo».
"""

MEETING = """Project call, automated sample-handling cell - 6 February 2025

Attendees: Hester Lindqvist, Tobias Oyelaran (Quillmere); Norma Bisceglia, Dario Fontechiari (Aurenga)

1. Scope
The cell must load 96-well plates into two Merlin 9 instruments with no operator for at least eleven hours.
Throughput target: 140 plates a day. The gripper has to tell an empty plate from a full one by weight.

2. Risks
Vibration of the robot base disturbs the ion trap above 30 Hz. Dario proposes a decoupled granite plate; cost about
18,000 euro, lead time nine weeks. Tobias will measure the floor of the Fort Quill laboratory by 20 February.

3. Money
The budget of phase one is 420,000 dollars, shared 60/40. Overruns above 10% need a decision of the steering group.

4. Next steps
Hester sends the draft interface specification by Friday. Factory acceptance test in Aurenga in the week of 16 June.
"""
