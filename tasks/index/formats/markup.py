"""What the readers of markup share: the name of the first element, by which HTML and XML are told apart."""

from __future__ import annotations

import re

_BEFORE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:([\w.-]+):)?([A-Za-z_][\w.-]*)([^>]*)")


def root_name(text: str) -> str:
    """The name of the first element without its prefix; "" for what does not begin with `<` or has none."""
    return root_and_namespace(text)[0]


def root_and_namespace(text: str) -> tuple[str, str]:
    """The name of the first element, and the namespace that its own tag declares for it, "" where it declares none."""
    if not text.startswith("<"):
        return "", ""
    found = _ROOT.search(_BEFORE_ROOT.sub("", text))
    if not found:
        return "", ""
    declaration = re.escape(f"xmlns:{found.group(1)}" if found.group(1) else "xmlns")
    namespace = re.search(rf"""\s{declaration}\s*=\s*["']([^"']*)""", found.group(3))
    return found.group(2), namespace.group(1).strip() if namespace else ""
