"""The control words and code pages of RTF 1.9.1 that a reader has to know, by what they do."""

from __future__ import annotations

CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "cp936",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
}
SIGNS = {
    "line": "\n",
    "tab": " ",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "bullet": "•",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "softline": "\n",
    "nestcell": " ",
    "nestrow": " ",
}
ESCAPES = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
HEADS = frozenset({"header", "headerl", "headerr", "headerf"})
FEET = frozenset({"footer", "footerl", "footerr", "footerf"})
BOXES = frozenset({"shptxt", "dptxbxtext"})
KNOWN = (
    HEADS
    | FEET
    | BOXES
    | frozenset(
        "shpinst nesttableprops annotation footnote objdata ud do formfield ffl moMath moMathPara fldrslt result".split()
    )
)
COPIES = frozenset({"nonshppict", "listpicture"})  # pictures that stand elsewhere, or are bullets
LEFT_OUT = frozenset(
    "colortbl pict nonshppict filetbl listtable listoverridetable rsidtbl themedata colorschememapping latentstyles "
    "datastore xe tc tcn rxe ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn bkmkstart bkmkend fldinst shprslt pnseclvl pntxta pntxtb "
    "objclass objname sp sv sn atnid atnauthor atnref atndate atntime atnparent atrfstart atrfend nonesttables ".split()
)
GATHERED = frozenset("fonttbl stylesheet objdata formfield ffl listtext pntext title author subject keywords".split())
TARGETS = (
    HEADS
    | FEET
    | BOXES
    | frozenset("fonttbl stylesheet info objdata formfield ffl listtext pntext footnote annotation".split())
)
