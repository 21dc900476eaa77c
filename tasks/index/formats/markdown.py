"""Markdown: rendered to HTML by markdown-it (CommonMark with tables) and read as HTML, so that both read alike.

The front matter (`---` at the very top) becomes metadata. Raw HTML in the text is rendered as it stands; images are
not fetched.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.index.formats.html import elements_of_tree, pictures_left_out, tree
from tasks.index.formats.markup import is_markdown
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("md",)
VERSION = "1"
EXTENSIONS = {"md": "md", "markdown": "md", "mdown": "md"}
SAMPLES = {"md": b"# Title\n\nSome [link](http://x) and **bold**.\n"}

_FRONT = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(\S.*)$", re.MULTILINE)


def guess(look: Look) -> str:
    """Take for Markdown what has two of its marks and is not named as plain text."""
    plain = look.extension in {"txt", "text", "log"}
    return "md" if not plain and is_markdown(look.text) else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a Markdown file."""
    text = decode(load(source))
    metadata, body = _front_matter(text)
    root = tree(_render(body))
    elements = with_sections(elements_of_tree(root)) if root is not None else ()
    title = title_of(elements, metadata.pop("title", None))
    warnings = pictures_left_out([root]) if root is not None else ()
    return Parsed("md", title, "", 1, elements, metadata, warnings=warnings)


def _render(text: str) -> str:
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the plain `name: value` lines of the front matter, and the text after it."""
    found = _FRONT.match(text.lstrip("\ufeff"))
    if not found or not _FIELD.search(found.group(1)):
        return {}, text
    fields = {name.lower(): clean(value).strip("\"'") for name, value in _FIELD.findall(found.group(1))}
    return fields, text.lstrip("\ufeff")[found.end() :]
