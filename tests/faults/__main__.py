"""Plays the faults that Tailwire must survive, and prints a table of verdicts: `make faults`.

python -m tests.faults [--long] [--store sqlite|rethinkdb] [--only F1,F6] [--seed WORD] [--minutes N]
                       [--report FILE]
"""

import argparse
import logging
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from tests.faults import (
    browser_cases,
    client_cases,
    cluster_cases,
    consumer_cases,
    crash_cases,
    database_cases,
    file_cases,
    follower_cases,
    host_cases,
    leak_cases,
    link_cases,
    load_cases,
    login_cases,
    node_cases,
    people_cases,
    presence_cases,
    race_cases,
    reading_cases,
    sdk_cases,
    search_cases,
    webhook_cases,
)
from tests.faults.case import CASES, Case, Verdict, play

GROUPS: Final = (
    browser_cases,
    crash_cases,
    database_cases,
    cluster_cases,
    client_cases,
    host_cases,
    node_cases,
    race_cases,
    people_cases,
    leak_cases,
    presence_cases,
    load_cases,
    login_cases,
    reading_cases,
    follower_cases,
    consumer_cases,
    webhook_cases,
    search_cases,
    file_cases,
    link_cases,
    sdk_cases,
)
"""The modules with the cases. Importing them fills `CASES`."""
SHORT_SECONDS: Final = 90.0
LONG_SECONDS: Final = 3_600.0
"""After this time, or `SHORT_SECONDS` in the short form, no further round of a case begins."""


def main() -> int:
    """Play what the arguments ask for; return 1 when something is broken."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="every case, and many rounds of each")
    parser.add_argument("--store", choices=("sqlite", "rethinkdb"), help="only this store")
    parser.add_argument("--only", default="", help="only these cases, by id")
    parser.add_argument("--seed", default="", help="a word from which all random moments follow")
    parser.add_argument("--rounds", type=int, default=0, help="as many rounds of each case")
    parser.add_argument("--minutes", type=float, help="how long L1 and L10 last, instead of 10 and 30")
    parser.add_argument("--report", type=Path, help="also write the table, in Markdown, to this file")
    wanted = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    directory = Path(tempfile.mkdtemp(prefix="tailwire-faults-"))
    verdicts = uvloop.run(_play_all(wanted, directory))
    table = _table(verdicts)
    print(f"\n{table}")
    for verdict in verdicts:
        if verdict.skipped:
            print(f"NOT PLAYED: {verdict.case.id} on {verdict.store}: {verdict.skipped}")
    if wanted.report is not None:
        wanted.report.write_text(f"{table}\n")
    # A busy machine misses bounds that hold on a quiet one. So only the long form fails for a missed bound.
    broken = [verdict for verdict in verdicts if verdict.word == "BROKEN" or (verdict.missed and wanted.long)]
    if broken:
        print(f"\n{len(broken)} broken or missed; logs and histories stand in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


async def _play_all(wanted: argparse.Namespace, directory: Path) -> list[Verdict]:
    seed = wanted.seed or secrets.token_hex(4)
    only = set(filter(None, wanted.only.split(",")))
    print(f"seed {seed}; `make faults ARGS=--seed={seed}` plays the same moments again")
    verdicts: list[Verdict] = []
    for case in CASES:
        for store in case.stores:
            if (only and case.id not in only) or wanted.store not in {None, store}:
                continue
            if not (wanted.long or case.short or only):
                continue
            verdicts.append(await _play(case, store, seed, wanted, directory))
    return verdicts


async def _play(case: Case, store: str, seed: str, wanted: argparse.Namespace, directory: Path) -> Verdict:
    rounds = wanted.rounds or (case.long if wanted.long else case.short or 1)
    print(f"{time.strftime('%H:%M:%S')} {case.id} on {store}: {case.title}, {rounds} rounds", flush=True)
    seconds = LONG_SECONDS if wanted.long else SHORT_SECONDS
    verdict = await play(
        case,
        store,
        seed=seed,
        rounds=rounds,
        seconds=seconds,
        directory=directory,
        minutes=wanted.minutes,
    )
    print(
        f"    {verdict.word} after {verdict.rounds} rounds, {verdict.seconds:.0f} s: {verdict.summary()}",
        flush=True,
    )
    for violation in [*verdict.violations, *verdict.missed]:
        print(f"    {violation}", flush=True)
    return verdict


def _table(verdicts: list[Verdict]) -> str:
    rows = [
        "| case | fault | store | verdict | rounds | must hold | figures: median, worst (s unless said) | seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {v.case.id} | {v.case.title} | {v.store} | {v.word} | {v.rounds} | {v.case.promise} "
        f"| {v.summary()} | {v.seed} |"
        for v in verdicts
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
