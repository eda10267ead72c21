"""The tables and charts of docs/benchmarks.md, made from the kept results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.contenders.contender import CONTENDERS, OF_CHECKOUT, described
from bench.report.chart import Bars, Curve, bars, curves
from bench.report.results import Results, Row, median

OURS: Final = "tailwire"
FULL_LOAD: Final = 0.9
"""A load that uses more of its core than this may itself be the limit."""

Column = tuple[str, str, str]
"""A column: its head, the name of its figure, and the format."""

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "fanout": (
        ("CPU µs", "cpu_us", "{:.2f}"),
        ("database µs", "database_us", "{:.2f}"),
        ("deliveries/s", "deliveries", "{:,.0f}"),
        ("p50 ms", "p50_ms", "{:,.1f}"),
        ("p99 ms", "p99_ms", "{:,.1f}"),
        ("undelivered", "lost", "{:,.0f}"),
        ("out of order", "wrong", "{:,.0f}"),
        ("load's CPU", "generator_cpu", "{:.0%}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "idle": (
        ("KiB a socket", "socket_kib", "{:.1f}"),
        ("idle CPU", "idle_cpu", "{:.1%}"),
        ("connects/s", "connects", "{:,.0f}"),
        ("CPU µs a connect", "connect_cpu_us", "{:,.0f}"),
        ("undelivered", "lost", "{:,.0f}"),
    ),
    "sends": (
        ("acks/s", "acks_per_second", "{:,.0f}"),
        ("ack p50 ms", "ack_p50_ms", "{:,.1f}"),
        ("ack p99 ms", "ack_p99_ms", "{:,.1f}"),
        ("CPU µs an ack", "ack_cpu_us", "{:,.0f}"),
        ("database µs an ack", "ack_database_us", "{:,.0f}"),
        ("send to receive p50 ms", "p50_ms", "{:.2f}"),
        ("store alone p50 ms", "change_p50_ms", "{:.2f}"),
        ("undelivered", "lost", "{:,.0f}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "rooms": (
        ("database µs a message", "database_us", "{:,.0f}"),
        ("CPU µs a message", "cpu_us", "{:,.0f}"),
        ("an idle node's µs a message", "other_node_cpu_us", "{:,.0f}"),
        ("messages/s held", "held_rate", "{:,.0f}"),
        ("messages/s", "deliveries", "{:,.0f}"),
        ("ack p50 ms", "ack_p50_ms", "{:.2f}"),
        ("ack p99 ms", "ack_p99_ms", "{:.1f}"),
        ("send to receive p50 ms", "p50_ms", "{:.2f}"),
        ("p99 ms", "p99_ms", "{:.1f}"),
        ("p99 ms at the next rate", "beyond_p99_ms", "{:,.0f}"),
        ("undelivered", "lost", "{:,.0f}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "slow": (
        ("p99 ms alone", "alone_p99_ms", "{:,.1f}"),
        ("p99 ms beside", "p99_ms", "{:,.1f}"),
        ("ratio", "p99_ratio", "{:.2f}"),
        ("mute ones closed", "mute_closed", "{:,.0f}"),
        ("the last after s", "mute_closed_seconds", "{:.1f}"),
        ("KiB more at the end", "peak_kib", "{:,.0f}"),
        ("KiB more after", "left_kib", "{:,.0f}"),
        ("undelivered", "lost", "{:,.0f}"),
    ),
    "growth": (
        ("CPU µs a delivery", "cpu_us", "{:.2f}"),
        ("CPU µs a message", "message_cpu_us", "{:,.0f}"),
        ("database µs a message", "database_us", "{:,.0f}"),
        ("readers' µs a message", "reader_us", "{:,.0f}"),
        ("deliveries/s", "deliveries", "{:,.0f}"),
        ("p50 ms", "p50_ms", "{:,.1f}"),
        ("p99 ms", "p99_ms", "{:,.1f}"),
        ("appends/s", "appends", "{:,.0f}"),
        ("newest page ms", "first_page_ms", "{:.2f}"),
        ("page 10,000 or the last ms", "far_page_ms", "{:.2f}"),
        ("page ms", "plain_page_ms", "{:.2f}"),
        ("with 10,000 reactions", "reacted_page_ratio", "{:.2f} x"),
        ("with one toggled 2,000 times", "toggled_page_ratio", "{:.2f} x"),
        ("first reaction ms", "first_reaction_ms", "{:.2f}"),
        ("the 10,001st", "reaction_ratio", "{:.2f} x"),
        ("an idle node's µs a change", "other_node_cpu_us", "{:.0f}"),
        ("undelivered", "lost", "{:,.0f}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "search": (
        ("store MB", "store_mb", "{:,.0f}"),
        ("index made in s", "build_seconds", "{:.1f}"),
        ("messages/s", "indexed", "{:,.0f}"),
        ("index MB", "index_mb", "{:,.0f}"),
        ("50 rooms: p50 ms", "few_p50_ms", "{:.1f}"),
        ("p99 ms", "few_p99_ms", "{:.1f}"),
        ("500 rooms: p50 ms", "many_p50_ms", "{:.1f}"),
        ("p99 ms", "many_p99_ms", "{:.1f}"),
        ("3 quiet rooms, commonest words: p50 ms", "quiet_p50_ms", "{:.1f}"),
        ("p99 ms", "quiet_p99_ms", "{:.1f}"),
        ("found after p50 ms", "found_p50_ms", "{:,.0f}"),
        ("p99 ms", "found_p99_ms", "{:,.0f}"),
        ("CPU µs a message", "message_us", "{:,.0f}"),
        ("without index", "message_off_us", "{:,.0f}"),
        ("database µs a message", "database_us", "{:,.0f}"),
        ("without index", "database_off_us", "{:,.0f}"),
        ("ack p50 ms", "ack_p50_ms", "{:.2f}"),
        ("to that without index", "ack_ratio", "{:.2f}"),
        ("ack p99 ms", "ack_p99_ms", "{:.1f}"),
        ("to that without index", "ack_p99_ratio", "{:.2f}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "online": (
        ("µs a change", "change_us", "{:,.0f}"),
        ("told to", "change_events", "{:.0f}"),
        ("µs an event", "event_us", "{:.2f}"),
        ("bytes an event", "event_bytes", "{:.0f}"),
        ("µs a `watch` of 200", "watch_us", "{:,.0f}"),
        ("bytes of its answer", "watch_bytes", "{:,.0f}"),
        ("µs a reconnect", "storm_us", "{:,.0f}"),
        ("events of all reconnects", "storm_events", "{:,.0f}"),
        ("bytes of the node's row", "row_bytes", "{:,.0f}"),
        ("µs a notice", "notice_us", "{:.2f}"),
        ("µs a message, 1,000 at once", "busy_message_us", "{:.2f}"),
    ),
    "webhooks": (
        ("posts/s", "posts_per_second", "{:,.0f}"),
        ("ack to post p50 ms", "p50_ms", "{:.1f}"),
        ("p99 ms", "p99_ms", "{:.1f}"),
        ("CPU µs a post", "post_cpu_us", "{:,.0f}"),
        ("database µs a post", "post_database_us", "{:,.0f}"),
        ("CPU µs a message without webhooks", "plain_cpu_us", "{:,.0f}"),
        ("beside idle ones", "idle_ratio", "{:.2f} x"),
        ("CPU at rest without", "rest_cpu", "{:.2%}"),
        ("with idle ones", "idle_rest_cpu", "{:.2%}"),
        ("lost", "lost", "{:,.0f}"),
        ("out of order", "disordered", "{:,.0f}"),
        ("load's CPU", "generator_cpu", "{:.0%}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "http": (
        ("CPU µs a request", "cpu_us", "{:,.0f}"),
        ("requests/s", "deliveries", "{:,.0f}"),
        ("p50 ms", "p50_ms", "{:.1f}"),
        ("p99 ms", "p99_ms", "{:.1f}"),
        ("load's CPU", "generator_cpu", "{:.0%}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
    "files": (
        ("MiB alone", "calm_mib", "{:.0f}"),
        ("MiB more", "more_mib", "{:.1f}"),
        ("up MiB/s", "up_mib_s", "{:,.0f}"),
        ("down MiB/s", "down_mib_s", "{:,.0f}"),
        ("fan-out p50 ms alone", "alone_p50_ms", "{:.1f}"),
        ("beside", "p50_ms", "{:.1f}"),
        ("p99 ms alone", "alone_p99_ms", "{:.1f}"),
        ("beside", "p99_ms", "{:.1f}"),
        ("ratio", "p99_ratio", "{:.2f}"),
        ("undelivered", "lost", "{:,.0f}"),
    ),
    "away": (
        ("POST /sync ms", "sync_ms", "{:.1f}"),
        ("kB", "sync_kb", "{:.1f}"),
        ("a socket and subscriptions ms", "sockets_ms", "{:.1f}"),
        ("kB", "sockets_kb", "{:.1f}"),
        ("others' cores", "others_cpu", "{:.2f}"),
    ),
}

GROUPED: Final = frozenset({"growth", "online"})
"""The suites of Tailwire alone, whose works are rows: a table for each first word of them."""

RATIO: Final = ("CPU to ours", "cpu_us")
RATIOS: Final = {"rooms": ("database to ours", "database_us"), "idle": ("CPU to ours", "connect_cpu_us")}
"""The last column of a suite's tables: its head, and the figure that is compared with Tailwire's."""

PLOTS: Final = (
    # Plots of the suite `growth`: the group of works, the title, the axis, the figure.
    ("subscribers", "CPU µs a delivery", "subscribers of a room, 20 messages/s", "cpu_us"),
    ("rooms", "CPU µs a message", "rooms; 500 subscribers, 200 messages/s in all", "message_cpu_us"),
    ("rate", "CPU µs a delivery", "messages/s to 500 subscribers", "cpu_us"),
    ("rate", "p99 ms", "messages/s to 500 subscribers", "p99_ms"),
    ("history", "Page 10,000, or the last, ms", "entries in the room", "far_page_ms"),
    ("nodes", "CPU µs a change, on an idle node", "nodes on one RethinkDB", "other_node_cpu_us"),
)


def write(results: Results, directory: Path) -> None:
    """Renew tables and charts. The rest of the document stays as it is."""
    document, images = directory / "benchmarks.md", directory / "images"
    text = document.read_text() if document.exists() else "".join(map(_place, COLUMNS))
    for suite in COLUMNS:
        if results.runs(suite):
            measured = f"Measured on {results.machines[suite]}."
            text = _filled(text, suite, f"{measured}\n\n{tables(results, suite)}")
    document.write_text(text)
    images.mkdir(exist_ok=True)
    if groups := _fanout_groups(results):
        (images / "bench-fanout.svg").write_text(bars(groups, "Tailwire"))
    if plots := _growth_plots(results):
        (images / "bench-growth.svg").write_text(curves(plots))
    print(f"==> Tables and charts are in {directory}")


def tables(results: Results, suite: str) -> str:
    """Return a suite's tables: one for each work, or for each group of works."""
    works = results.works(suite)
    if suite in GROUPED:
        groups = dict.fromkeys(work.split()[0] for work in works)
        return "\n\n".join(
            _table(
                suite,
                group,
                [
                    (work.split()[1], results.runs(suite, work=work))
                    for work in works
                    if work.startswith(group)
                ],
            )
            for group in groups
        )
    return "\n\n".join(
        _table(
            suite,
            work,
            [(described(name), results.runs(suite, name, work)) for name in _ordered(results, suite, work)],
        )
        for work in works
    )


def _ordered(results: Results, suite: str, work: str) -> list[str]:
    names = {row["contender"] for row in results.runs(suite, work=work)}
    order = list(CONTENDERS)
    return sorted(names, key=lambda name: (order.index(name.partition(OF_CHECKOUT)[0]), name))


def _table(suite: str, first: str, rows: Sequence[tuple[str, list[Row]]]) -> str:
    """Return one table of medians, without columns that would be empty.

    A ratio is shown only between figures of one invocation.
    """
    columns = [
        column
        for column in COLUMNS[suite]
        if any(_median(runs, column[1]) is not None for _name, runs in rows)
    ]
    ours = next((runs for name, runs in rows if name.startswith("Tailwire")), [])
    ratio, figure = RATIOS.get(suite, RATIO)
    our_cost = _median(ours, figure)
    heads = [
        first,
        *(head for head, _, _ in columns),
        *([ratio] if our_cost else []),
        "runs",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for what, runs in rows:
        cells = [what, *(_cell(_median(runs, name), form) for _, name, form in columns)]
        if our_cost:
            cost = _median(runs, figure) if runs[0].get("at") == ours[0].get("at") else None
            cells.append(_cell(None if cost is None else cost / our_cost, "{:.2f}"))
        is_full = (_median(runs, "generator_cpu") or 0) > FULL_LOAD
        cells.append(f"{len(runs)}{' (the load was at its limit)' if is_full else ''}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _median(runs: list[Row], figure: str) -> float | None:
    if figure == "wrong":
        runs = [
            {"wrong": row["disordered"] + row["doubled"] + row["disagree"]}
            for row in runs
            if "doubled" in row
        ]
    return median(runs, figure)


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _place(name: str) -> str:
    return f"<!-- made by `make bench`: {name} -->\n<!-- end -->\n\n"


def _filled(text: str, name: str, content: str) -> str:
    """Put content into its marked place, if the document has it."""
    begin = f"<!-- made by `make bench`: {name} -->\n"
    before, found, rest = text.partition(begin)
    return f"{before}{begin}{content}\n<!-- end -->{rest.partition('<!-- end -->')[2]}" if found else text


def _fanout_groups(results: Results) -> list[Bars]:
    groups = []
    for work in results.works("fanout"):
        for title, figure, unit in (
            ("the server's CPU per delivery", "cpu_us", "µs"),
            ("99 % arrive within", "p99_ms", "ms"),
        ):
            scores = {
                described(name): value
                for name in _ordered(results, "fanout", work)
                if (value := median(results.runs("fanout", name, work), figure))
            }
            if len(scores) > 1:
                groups.append(Bars(f"{work}: {title}", scores, unit))
    return groups


def _growth_plots(results: Results) -> list[Curve]:
    plots = []
    for group, title, x, figure in PLOTS:
        points = [
            (float(work.split()[1]), value)
            for work in results.works("growth")
            if work.startswith(group)
            and (value := median(results.runs("growth", work=work), figure)) is not None
        ]
        if len(points) > 1:
            plots.append(Curve(title, x, sorted(points)))
    return plots
