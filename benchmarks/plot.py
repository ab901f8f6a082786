"""Draws how queries and indexing grow with the library, from measured figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.recall import ARRIVING

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
MODELS = ("starter", "ViT-B-32")


def draw(found: dict[str, Any], file: Path) -> None:
    """Write a PNG of two plots: milliseconds of a query, hours to index everything."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (query, indexing) = pyplot.subplots(1, 2, figsize=(11, 4.5), dpi=110)
    sizes = list(SIZES.values())
    for part, key, label in (
        ("index", "exact_float32_p50_ms", "exact product alone, numpy"),
        ("whole", "server_p95_ms", "photosd, p95"),
        ("whole", "server_p50_ms", "photosd, median"),
        ("whole", "comparing_p50_ms", "photosd, median while all is compared"),
    ):
        query.plot(sizes, [found[part][n][key] for n in SIZES], marker="o", label=label)
    query.set(title="One query in the daemon, 512 dimensions", ylabel="milliseconds")
    for model in MODELS:
        rate = found["indexing"][model]["ours"]
        hours = [
            size * (1 / rate + _commit_seconds(found["index"][name])) / 3600
            for name, size in SIZES.items()
        ]
        indexing.plot(sizes, hours, marker="o", label=f"{model}: {rate:.0f} photos a second")
    indexing.set(title="Indexing all, 12-megapixel JPEGs, 2 cores", ylabel="hours")
    for axes in (query, indexing):
        axes.set(xscale="log", yscale="log", xlabel="photos")
        axes.grid(which="both", alpha=0.25)
        axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(file)


def _commit_seconds(index: dict[str, float]) -> float:
    """What storing one photo costs in a library of this size."""
    return float(index["commit_ms"]) / 1000 / ARRIVING
