"""Labels of statement lines brought to one form, and matched against the lexicon.

`3) Net (loss) income, see Note 4 (a) ....` and `Net income` must meet: numbering, notes, leaders, accents and the
parentheses of `(loss)` go; what parentheses say about the sign of a line is kept apart (`reversed_sign`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tasks.analyse.statements.wordings import ANCHORS, ITEMS, Rule, StatementKind

_MARK = re.compile(
    r"^\s*[-–—•*]?\s*(?:(?P<letter>[A-E])\s?[.)](?:\s?(?P<sub>[IVX]{1,4})\s?[.)])?(?=\W|$)|"
    r"(?P<roman>[IVX]{1,4})\s?[-–—.)](?=\W|$)"
    r"|(?P<number>\d{1,2})(?:[ -]?(?:bis|ter|quater|quinquies))?\s?[).](?!\d)|"
    r"(?P<lower>[a-h])(?:[ -]?(?:bis|ter|quater|quinquies))?\s?[).]|(?P<dash>[-–—•]))\s*"
)
_NOTE = re.compile(
    r"\((?:see )?(?:notes?|nota)[^)]*\)|,?\s*(?:see )?\bnotes? \d[\d, and]*\b|\s\(\d{1,2}\)|"
    r"(?:\s\([a-z]\))+$|\[\d+\]|\*+|[¹²³⁴⁵⁶⁷⁸⁹]"
)
_GROUP = re.compile(r"\([^()]*\)")
_LOSS = re.compile(
    r"\s*/\s*\(?(?:loss(?:es)?|deficit|perdita|income|earnings|profit|disavanzo)\)?(?=\W|$)|"
    r"\bloss(?:es)?\s*/\s*|\bperdita\s*/\s*"
)
_REVERSED = re.compile(
    r"\((?:expense|provision|charge|onere|oneri)[^)]*\)\s*/?\s*(?:benefit|income|credit|provent)"
    r"|(?:benefit|income|credit|proventi?)(?: from| for)?\s*/?\s*\((?:expense|provision|charge|oneri?)"
)
_LONE_EXPENSE = re.compile(r"\((?:expense|provision)\)")


def plain(text: str) -> str:
    """Lower case without accents, quotes straightened, blanks single."""
    text = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'").replace("`", "'"))
    text = "".join(char for char in text if not unicodedata.combining(char)).lower()
    return " ".join(text.split())


@lru_cache(maxsize=65_536)
def canonical(label: str) -> str:
    """Return the form in which labels are matched: no numbering, notes, parentheses, punctuation or leaders."""
    text = _MARK.sub("", label.strip(), count=1)
    text = _NOTE.sub("", plain(text))
    text = re.sub(r"\((net|netto|nette|netti)\)", r" \1 ", text)
    inner = _GROUP.sub(" ", text)
    inner = _GROUP.sub(" ", inner) if "(" in inner else inner
    text = inner if re.search(r"[a-z]{3}", inner) else text
    text = _LOSS.sub(" ", text)
    text = text.replace("&", " and ").replace("/", " ")
    text = re.sub(r"[^a-z0-9' ]", " ", text)
    return " ".join(re.sub(r"' |'$|^'", " ", text).split())


def mark_of(label: str) -> str:
    """Return the numbering of a civil-code line without its punctuation: `B.II`, `C`, `II`, `17`, `a`, `-`, or ""."""
    match = _MARK.match(label.strip())
    if not match:
        return ""
    if match["letter"]:
        return match["letter"] + (f".{match['sub']}" if match["sub"] else "")
    return match["roman"] or match["number"] or match["lower"] or "-"


def reversed_sign(label: str) -> bool:
    """Tell whether a cost is printed with the sign of income: `Income tax (expense) benefit`, `(Provision) for taxes`."""
    text = plain(label)
    return bool(_REVERSED.search(text) or _LONE_EXPENSE.search(text))


@lru_cache(maxsize=65_536)
def match_items(norm: str, statement: StatementKind) -> tuple[tuple[str, int], ...]:
    """Return the items that a canonical label may stand for in a statement, each with its rank (0 is the surest)."""
    found = []
    for item, rules in ITEMS[statement].items():
        rank = _rank(norm, rules)
        if rank is not None:
            found.append((item, rank))
    return tuple(found)


def _rank(norm: str, rules: tuple[Rule, ...]) -> int | None:
    for rank, rule in enumerate(rules):
        if rule.pattern.search(norm) and not (rule.without and rule.without.search(norm)):
            return rank
    return None


@lru_cache(maxsize=65_536)
def match_anchors(norm: str, statement: StatementKind) -> tuple[str, ...]:
    """Return the anchors (lines that only this statement has) that a canonical label hits."""
    return tuple(name for name, pattern in ANCHORS[statement].items() if pattern.search(norm))
