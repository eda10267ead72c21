"""`python -m bench`: measure contenders in turn, on the same work, several times, and write the tables and charts."""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench.cases import away, fanout, files, growth, http, idle, online, rooms, search, sends, slow, webhooks
from bench.cases.case import Case, Options
from bench.contenders.contender import CONTENDERS
from bench.contenders.subject import Missing
from bench.contenders.tailwire import ROOT
from bench.machine.load import Failed
from bench.machine.machine import PATIENCE_SECONDS, describe, wait_until_quiet
from bench.machine.process import NotStarted
from bench.report.report import write
from bench.report.results import Results, Row

SUITES: Final = {
    "fanout": fanout.cases,
    "idle": idle.cases,
    "sends": sends.cases,
    "rooms": rooms.cases,
    "slow": slow.cases,
    "growth": growth.cases,
    "online": online.cases,
    "search": search.cases,
    "webhooks": webhooks.cases,
    "http": http.cases,
    "files": files.cases,
    "away": away.cases,
}
SHOWN: Final = {
    # The figures in the line of a run, where they were measured.
    "cpu_us": "{:.2f} us",
    "deliveries": "{:,.0f}/s",
    "p50_ms": "p50 {:.1f} ms",
    "p99_ms": "p99 {:.1f} ms",
    "lost": "undelivered {:,}",
    "disordered": "out of order {}",
    "acks_per_second": "{:,.0f} acks/s",
    "ack_p50_ms": "ack p50 {:.1f} ms",
    "ack_p99_ms": "ack p99 {:.1f} ms",
    "change_p50_ms": "store alone p50 {:.2f} ms",
    "connects": "{:,.0f} connects/s",
    "socket_kib": "{:.1f} KiB a socket",
    "idle_cpu": "idle CPU {:.3f}",
    "p99_ratio": "p99 ratio {:.2f}",
    "more_mib": "{:.1f} MiB more",
    "up_mib_s": "up {:,.0f} MiB/s",
    "down_mib_s": "down {:,.0f} MiB/s",
    "mute_closed": "mute closed {}",
    "mute_closed_seconds": "by {:.1f} s",
    "peak_kib": "peak {:,.0f} KiB",
    "left_kib": "left {:,.0f} KiB",
    "first_page_ms": "first page {:.2f} ms",
    "far_page_ms": "far page {:.2f} ms",
    "plain_page_ms": "page {:.2f} ms",
    "reacted_page_ratio": "{:.2f} x with 10,000 reactions",
    "toggled_page_ratio": "{:.2f} x with one toggled",
    "first_reaction_ms": "first reaction {:.2f} ms",
    "reaction_ratio": "the 10,001st {:.2f} x",
    "change_us": "a change {:,.0f} us",
    "event_us": "an event {:.2f} us",
    "storm_events": "reconnects told {:,.0f}",
    "notice_us": "a notice {:.2f} us",
    "post_cpu_us": "a post {:,.0f} us",
    "idle_ratio": "idle webhooks {:.2f} x",
    "held_rate": "held {:,.0f}/s",
    "beyond_p99_ms": "p99 {:,.0f} ms at the next rate",
    "build_seconds": "built in {:.1f} s",
    "index_mb": "index {:,.0f} MB",
    "few_p99_ms": "page p99 {:.1f} ms",
    "many_p99_ms": "in 500 rooms {:.1f} ms",
    "quiet_p99_ms": "in quiet rooms {:.1f} ms",
    "found_p99_ms": "found p99 {:,.0f} ms",
    "ack_ratio": "ack ratio {:.2f}",
    "message_off_us": "a message without index {:,.0f} us",
    "database_off_us": "database {:,.1f} us",
    "other_node_cpu_us": "an idle node {:.1f} us a change",
    "database_us": "database {:.1f} us",
    "reader_us": "readers {:.1f} us",
    "sync_ms": "one request {:.1f} ms",
    "sync_kb": "{:.1f} kB",
    "sockets_ms": "subscriptions {:.1f} ms",
    "sockets_kb": "{:.1f} kB",
    "generator_cpu": "load {:.2f}",
    "others_cpu": "others {:.2f} cores",
}


def line(row: Row) -> str:
    """Return a run's figures in one line."""
    told = [form.format(row[name]) for name, form in SHOWN.items() if row.get(name) is not None]
    return ", ".join(told) + (f" !! {row['fault']}" if row.get("fault") else "")


def play(case: Case, directory: Path) -> Row | None:
    """Measure a case. Print why and return None when that is not possible."""
    try:
        return case.measure(directory)
    except Missing as missing:
        print(f"\n  !!!! SKIPPED {case.contender}: {missing}")
    except (Failed, NotStarted, OSError, subprocess.CalledProcessError) as error:
        print(f"\n  !!!! FAILED {case.contender}, {case.work}: {error}")
    return None


def main() -> int:
    """Run the suites that the command line names."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, action="append", help="only this one; may be given again")
    parser.add_argument(
        "--only", choices=CONTENDERS, action="append", metavar="CONTENDER", help=", ".join(CONTENDERS)
    )
    parser.add_argument("--work", help="only work whose name begins so, as `500 x 20/s`")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="how long a run is measured (20)")
    parser.add_argument("--subscribers", type=int, help="instead of the suite's own")
    parser.add_argument("--rate", type=float, help="messages a second in all, instead of the suite's own")
    parser.add_argument("--messages", type=int, help="how many the suite `search` looks in (1,000,000)")
    parser.add_argument(
        "--checkout",
        type=Path,
        action="append",
        help="Tailwire as it is there, instead of here; given again, each is measured in turn",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help=f"how long a run waits for others to be quiet ({PATIENCE_SECONDS:g})",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where tables and charts go (docs)")
    parser.add_argument("--tables", action="store_true", help="measure nothing: make tables and charts again")
    asked = parser.parse_args()
    results = Results.at(asked.out / "benchmarks.json")
    if not asked.tables:
        measure(asked, results)
    write(results, asked.out)
    return 0


def measure(asked: argparse.Namespace, results: Results) -> None:
    """Run every case `runs` times, each contender in turn."""
    options = Options(
        contenders=tuple(asked.only) if asked.only else None,
        seconds=asked.seconds,
        subscribers=asked.subscribers,
        rate=asked.rate,
        messages=asked.messages,
        checkouts=tuple(path.resolve() for path in asked.checkout or [ROOT]),
    )
    directory = ROOT / "build" / "bench"
    machine = describe()
    invoked_at = time.strftime("%Y-%m-%d %H:%M:%S")
    print(f"==> {machine}")
    for suite in asked.suite or SUITES:
        results.measured_on(machine, suite)
        cases = [case for case in SUITES[suite](options) if case.work.startswith(asked.work or "")]
        for run in range(1, asked.runs + 1):
            for case in list(cases):
                print(
                    f"{time.strftime('%H:%M:%S')} {suite} {run}/{asked.runs}  {case.contender:18} {case.work:22} ",
                    end="",
                    flush=True,
                )
                if not wait_until_quiet(asked.patience):
                    print("(others are at work) ", end="", flush=True)
                directory.mkdir(parents=True, exist_ok=True)
                row = play(case, directory)
                shutil.rmtree(directory, ignore_errors=True)
                if row is None:
                    cases.remove(case)
                    continue
                if run == 1:
                    results.replace(suite, case.contender, case.work)
                results.add(suite, case.contender, case.work, {"at": invoked_at, "run": run, **row})
                print(" " + line(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
