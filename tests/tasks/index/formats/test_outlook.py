"""Outlook messages: heads, bodies, attachments."""

from pathlib import Path

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.outlook import unpacked_rtf
from tasks.index.read import read

SAMPLES = Path(__file__).parents[4] / "samples" / "documents"


def test_outlook_messages() -> None:
    [path] = SAMPLES.glob("*.msg")
    parsed = read(path, Context(path.name, Limits()))
    assert parsed.format == "msg"
    assert parsed.title == parsed.metadata["subject"]
    assert parsed.attachments
    assert len(parsed.elements) >= 3


def test_compressed_rtf_of_the_specification() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpacked_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
