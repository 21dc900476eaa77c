"""What the readers of markup share: the name of the first element, by which HTML and XML are told apart."""

from __future__ import annotations

import re

_BEFORE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


def root_name(text: str) -> str:
    """The name of the first element without its prefix; "" for what does not begin with `<` or has none."""
    if not text.startswith("<"):
        return ""
    found = _ROOT.search(_BEFORE_ROOT.sub("", text))
    return found.group(1) if found else ""
