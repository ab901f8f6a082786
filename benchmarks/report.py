"""``python -m benchmarks.report FILE.json``: writes docs/performance.md from measured figures."""

from __future__ import annotations

import datetime
import json
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks.plot import draw

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PLOT = PAGE.with_name("from-1k-to-1m.png")
PLOT_SAYS = "time of a query, and time to index everything, by the number of photos"
MODELS = ("starter", "ViT-B-32")

HEAD = """# Performance

Written by `make bench-full` on {date}: {machine}; other
programs used {foreign} cores. ViT-B-32 has random weights: speed does not depend on them. Ratios
are more reliable than times: both sides of a ratio were measured alternately in one run.
"""


def main() -> None:
    """Write the page."""
    found = json.loads(Path(sys.argv[1]).read_text())
    head = HEAD.format(
        date=datetime.date.today().isoformat(),
        machine=_machine(),
        foreign=found["machine"]["foreign_cores"],
    )
    parts = [
        head,
        _indexing(found),
        _phones(found["phones"]),
        _queries(found),
        whole_library(found["whole"]),
        index_sizes(found["index"]),
        _loading(found),
        _memory(found),
    ]
    if "1k" in found["whole"]:
        draw(found, PLOT)
        parts.append(f"## From a thousand to a million\n\n![{PLOT_SAYS}]({PLOT.name})\n")
    PAGE.write_text("\n".join(parts))


def _machine() -> str:
    cpu = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = f"{len(names)} cores, {names[0].partition(': ')[2]}" if names else cpu
    return f"{cpu}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _indexing(found: dict[str, Any]) -> str:
    rows = []
    for model in MODELS:
        of = found["indexing"][model]
        keys = ("ours", "limit", "ratio", "decode_only", "forward_only")
        rows.append((model, *(of[key] for key in keys)))
    text = (
        "## Indexing\n\n12-megapixel JPEGs per second through the whole daemon. *limit* is"
        " 1 / (1/decode + 1/forward), from decoding alone and the forward pass alone on all cores."
        " Each column is the median of several rounds, and *ratio* is the median of the rounds'"
        " ratios. The limit assumes that decoding alone, and the forward pass alone, keep all cores"
        " busy. Where they do not, or the machine's speed varies between the three measurements of"
        " a round, the ratio can exceed 1.\n\n"
    )
    head = ("model", "photosd", "limit", "ratio", "decode only", "forward only")
    return text + _table(head, rows) + "\n" + _arriving(found) + "\n" + _peer(found["rclip"])


def _arriving(found: dict[str, Any]) -> str:
    rows = [(model, *found["arriving"][model].values()) for model in MODELS]
    text = (
        "A folder that has just been added to an empty library, while the model calibrates its"
        " scores: seconds until a query finds its first photo, and until all are indexed;"
        " *share*: relative to the time at the limit.\n\n"
    )
    return text + _table(("model", "photos", "first found, s", "all, s", "share"), rows)


def _peer(of: dict[str, Any]) -> str:
    if "skipped" in of:
        return f"Not beside rclip: {of['skipped']}\n"
    return (
        "rclip 3.3.0 with the same photos and random weights of its architecture"
        f" (ViT-B-32-256): {of['rclip']} per second; photosd with the same weights: {of['ours']},"
        f" {of['ratio']} times as many. A query of rclip, which loads its model each time, takes"
        f" {of['cold_query_s']} s.\n"
    )


def _phones(found: dict[str, dict[str, float]]) -> str:
    """A phone's library, by kind of file."""
    head = ("files", "photos", "photos a second", "limit", "decoding alone", "of the limit")
    rows = [
        (name, one["photos"], one["daemon"], one["limit"], one["decode_only"],
         f"{one['daemon'] / one['limit']:.0%}")
        for name, one in found.items()
    ]  # fmt: skip
    return f"## Photos of phones\n\n{_table(head, rows)}\n"


def _queries(found: dict[str, Any]) -> str:
    load = {"starter": found["query_under_load"], "ViT-B-32": found["query_under_load"]["ViT-B-32"]}
    rows = [
        (
            model,
            load[model]["idle_p95_ms"],
            load[model]["busy_p95_ms"],
            load[model]["ratio"],
            found["first_query"][model]["ratio"],
            found["reload_s"][model],
        )
        for model in MODELS
    ]
    head = (
        "model",
        "p95 idle, ms",
        "p95 while indexing, ms",
        "ratio",
        "first / later",
        "kill to warm, s",
    )
    whole = found["whole_command"]
    return (
        "## Queries\n\n"
        + _table(head, rows)
        + "\n`photosd query` as a process, against a socket that answers at once:"
        f" {whole['p50_ms']} ms (a bare Python: {whole['bare_python_ms']} ms).\n"
    )


def whole_library(found: dict[str, Any]) -> str:
    columns = {
        "server_p50_ms": "p50, ms",
        "server_p95_ms": "p95, ms",
        "round_trip_p50_ms": "round trip p50, ms",
        "half_p50_ms": "p50 in half the library",
        "folder_p50_ms": "p50 in one folder",
        "comparing_p50_ms": "p50 during a comparison",
        "comparing_ratio": "ratio",
        "first_ratio": "first / later",
        "compare_s": "comparison, s",
        "ready_s": "start, s",
        "daemon_mb": "daemon, MB",
    }
    return (
        "## Queries in a large library\n\nA repeated query through the whole daemon, in a library"
        " with real files, catalog, names, labels and dates, and synthetic vectors (512 dimensions,"
        " clustered). *p50* and *p95* are the time in the daemon, the round trip that of a client."
        " *During a comparison*: all files are compared with the catalog in a loop; *ratio* is"
        " relative to p50. *First / later*: the first query after the start, relative to the median"
        " of the next twenty different ones.\n\n" + _sizes(found, columns)
    )


def index_sizes(found: dict[str, Any]) -> str:
    columns = {
        "recall_at_20": "recall@20",
        "folder_recall_at_20": "recall@20 in a folder",
        "exact_float32_p50_ms": "exact numpy, ms",
        "commit_ms": "commit, ms",
        "rank_s": "index built, s",
        "disk_per_live": "disk",
    }
    return (
        "## Index\n\nThe vectors alone: 512 dimensions, clustered, queries as far from them as"
        " texts are from photos. Folders have a half, a tenth and a thousandth of the photos. A"
        " commit stores 32 photos; it is compacted ten times as often as photosd does. *disk* is a"
        " multiple of the live data.\n\n" + _sizes(found, columns)
    )


def _sizes(found: dict[str, Any], columns: dict[str, str]) -> str:
    """A table with a row for each size of a library."""
    rows = [(name, *(of[key] for key in columns)) for name, of in found.items()]
    return _table(("photos", *columns.values()), rows)


def _loading(found: dict[str, Any]) -> str:
    rows = [(who, *of.values()) for who, of in found.get("loading", {}).items()]
    if not rows:
        return ""
    head = ("who", "load after imports, s", "memory, MB", "peak / final")
    return "## Loading a ViT-B-32, float32\n\n" + _table(head, rows)


def _memory(found: dict[str, Any]) -> str:
    memory = found["memory_mb"]
    rows = [(model, memory[model]["daemon"], memory[model]["encoder"]) for model in MODELS]
    index = memory["100k"]
    return (
        "## Memory\n\n"
        + _table(("model", "daemon, MB", "encoder, MB"), rows)
        + "\nA process with the daemon's imports and 100,000 photos of 512 dimensions:"
        f" {index['with_rows_mb']} MB; half-way through {index['updates']:,} updates"
        f" {index['half_way_mb']} MB, after them {index['after_updates_mb']} MB;"
        f" disk {index['disk_per_live']} times the live data.\n\n" + _index_memory(found["index"])
    )


def _index_memory(index: dict[str, Any]) -> str:
    rows = [
        (name, of["serving_mb"], of["settling_peak_mb"], of["settled_mb"])
        for name, of in index.items()
        if "serving_mb" in of
    ]
    if not rows:
        return ""
    head = ("photos", "answering, MB", "peak while rows are flushed, MB", "after, MB")
    return "Such a process, after opening an existing index:\n\n" + _table(head, rows)


if __name__ == "__main__":
    main()
