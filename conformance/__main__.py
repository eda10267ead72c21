"""`python -m conformance client -- COMMAND` tries a client, `python -m conformance server URL` a server."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

from conformance.client.stage import Terms
from conformance.client.trial import RULES, trial
from conformance.outcome import Outcome, Verdict
from conformance.server.trial import CHECKS, Accounts, examination


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a client or a server, and return how the process ends: 0 where every rule was kept."""
    chosen = _parser().parse_args(arguments)
    known = RULES if chosen.what == "client" else CHECKS
    names = [one.name for one in known]
    if unknown := set(chosen.only) - set(names):
        print(f"There is no rule {', '.join(sorted(unknown))}. --list shows all.", file=sys.stderr)
        return 2
    if chosen.list:
        for one in known:
            print(f"{one.name:<22} {one.text}")
        return 0
    if chosen.what == "client" and not chosen.command:
        print("The command that starts the client is missing: it comes after `--`.", file=sys.stderr)
        return 2
    return asyncio.run(_tell(_outcomes(chosen), chosen.only or names))


def _outcomes(chosen: argparse.Namespace) -> AsyncIterator[Outcome]:
    if chosen.what == "client":
        rules = [one for one in RULES if not chosen.only or one.name in chosen.only]
        terms = Terms(chosen.command, chosen.pace, chosen.seconds, chosen.seed, chosen.faults)
        return trial(rules, terms, chosen.at_once)
    checks = [one for one in CHECKS if not chosen.only or one.name in chosen.only]
    return examination(checks, chosen.url, Accounts(tuple(chosen.account), chosen.invite))


async def _tell(outcomes: AsyncIterator[Outcome], names: Sequence[str]) -> int:
    """Print each outcome as it comes, and at the end how many there were of each."""
    counts = dict.fromkeys(Verdict, 0)
    async for outcome in outcomes:
        counts[outcome.verdict] += 1
        done = sum(counts.values())
        print(f"{done:>2}/{len(names)} {outcome.line}")
        if outcome.details:
            print(outcome.details)
        sys.stdout.flush()
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts[Verdict.BROKEN] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    client = kinds.add_parser("client", help="try a client: its program, and what it needs, come after `--`")
    client.add_argument("command", nargs="*", help="the program that speaks as README.md says")
    client.add_argument("--at-once", type=int, default=4, help="so many rules are tried at a time (4)")
    client.add_argument(
        "--pace", type=float, default=0.05, help="what the client's own waits are multiplied by (0.05)"
    )
    client.add_argument("--seconds", type=float, default=20.0, help="how long a client may take (20)")
    client.add_argument("--faults", type=int, default=10, help="how many random faults (10)")
    client.add_argument("--seed", type=int, default=1, help="where the random faults begin (1)")
    server = kinds.add_parser("server", help="try a server, at its address")
    server.add_argument("url", nargs="?", default="http://127.0.0.1:8000", help="its address")
    server.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help="an account to use; three are needed. Without them the kit signs up",
    )
    server.add_argument("--invite", help="the invite with which the kit signs up, where one is needed")
    for one in (client, server):
        one.add_argument(
            "--only", action="append", default=[], metavar="RULE", help="try this rule; may be repeated"
        )
        one.add_argument("--list", action="store_true", help="list the rules")
    return parser


if __name__ == "__main__":
    sys.exit(main())
