"""A thousand electronic invoices indexed and analysed on one core, from a folder and from a ZIP: processor time of each command.

    python benchmarks/invoices.py [--count 1000] [--encoder auto bundled] [--seed 1]

Made of invented firms: FatturaPA with up to eight lines and three instalments, withholding and stamp duty, UBL and CII, one in ten signed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from common import FALDONE, REPOSITORY, Watched, machine, table, watch

GOODS = "carta|cartone ondulato|nastro adesivo|manutenzione della pompa|consulenza fiscale|trasporto a collettame|energia elettrica|toner"
SORTS = "da 80 g|rinforzato|per la linea 2|mese di marzo|urgente|a corpo|tipo B|come da preventivo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--encoder", nargs="+", default=["auto", "bundled"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["folder", "zip"], default=None)
    given = parser.parse_args()
    print(machine())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sources = written(Path(folder), given.count, given.seed)
        for encoder in given.encoder:
            for name, source in sources.items():
                if given.only in (None, name):
                    rows.append(measured(Path(folder) / f"home-{encoder}-{name}", encoder, name, source))
    table(["encoder", "source", "index, CPU s", "analyse, CPU s", "together", "documents"], rows)


def measured(home: Path, encoder: str, name: str, source: Path) -> list[str]:
    """Index and analyse one source on one core."""
    index = once(home, encoder, "index", str(source))
    analyse = once(home, encoder, "analyse")
    done = index.result()
    total = f"{index.cpu + analyse.cpu:.1f}"
    return [encoder, name, f"{index.cpu:.1f}", f"{analyse.cpu:.1f}", total, str(done["documents"]["indexed"])]


def once(home: Path, encoder: str, command: str, *more: str) -> Watched:
    words = ["taskset", "-c", "0", FALDONE, command, *more, "--collection", "bench", "--json"]
    return watch(words, home, FALDONE_EMBEDDING_MODEL=encoder, FALDONE_WORKERS="1")


def written(folder: Path, count: int, seed: int) -> dict[str, Path]:
    """Write the invoices as files and as one ZIP."""
    papers, packed = folder / "invoices", folder / "invoices.zip"
    papers.mkdir()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in invoices(count, random.Random(seed)):
            (papers / name).write_bytes(data)
            archive.writestr(name, data)
    return {"folder": papers, "zip": packed}


def invoices(count: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, bytes): one in ten is UBL or CII, one in ten is signed."""
    import sys

    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]
    from envelopes import der
    from samples.make import einvoices as make

    for number in range(1, count + 1):
        day = dt.date(2025, 1, 1) + dt.timedelta(days=rng.randrange(480))
        if number % 20 == 0:
            yield f"cii_{number}.xml", make.cii(f"BW-{number}", f"{day:%Y%m%d}")
        elif number % 20 == 10:
            yield f"ubl_{number}.xml", make.ubl(f"BP-{number}", f"{day}", amount=f"{rng.randrange(100, 9000)}.00")
        else:
            data = make.fatturapa([body(make, number, day, rng)])
            signed = number % 10 == 5
            name = f"IT{make.FORGE.vat}_{number:05d}.xml{'.p7m' if signed else ''}"
            yield name, der(data) if signed else data


def body(make, number: int, day: dt.date, rng: random.Random):  # type: ignore[no-untyped-def]
    """One FatturaPA body whose lines and dues are drawn."""
    goods, sorts = GOODS.split("|"), SORTS.split("|")
    rows = tuple(
        make.Row(
            f"{rng.choice(goods).capitalize()} {rng.choice(sorts)}",
            f"{rng.randrange(1, 40)}.00",
            f"{rng.randrange(1, 300)}.{rng.randrange(100):02d}",
            rng.choice(["22.00", "10.00", "4.00"]),
        )
        for _ in range(rng.randrange(1, 9))
    )
    made = make.Body(
        f"{number}/{day:%y}", f"{day}", rows, note=f"Ordine {rng.randrange(10_000)} di {rng.choice(goods)}"
    )
    parts = rng.randrange(1, 4)
    total = sum((base + tax for _, _, base, tax in made.vat()), start=0 * rows[0].amount)
    share = (total / parts).quantize(make.CENT)
    dues = tuple((f"{day + dt.timedelta(days=30 * (n + 1))}", str(share)) for n in range(parts))
    return make.Body(**{**made.__dict__, "dues": dues})


if __name__ == "__main__":
    main()
