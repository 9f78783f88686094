"""Shows the figures of an evaluation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from evaluation.verification import ERRORS

console = Console(width=150)


def show(result: Mapping) -> None:
    """All figures, rates in percent."""
    show_sets(result)
    if result["identification"]:
        show_galleries(result["identification"])
        show_thresholds(result["identification"])
    show_meaning(result)


def show_sets(result: Mapping) -> None:
    table = _table(
        f"{result['about']['extractor']}: rates in % with 95 % intervals, CPU times on one core",
        ["set", *ERRORS, "rank1", "fte", "extract_ms", "compare_us", "n_mated", "n_nonmated"],
    )
    for name, row in [*result["sets"].items(), ("mean", result["mean"])]:
        errors = [_rate(row[error], row["intervals"][error]) for error in ERRORS]
        plain = [f"{row[key]:.2f}" for key in ("rank1", "fte")]
        times = [f"{row[key]:.0f}" for key in ("extract_ms", "compare_us")]
        counts = [f"{row[key]:,}" if key in row else "" for key in ("n_mated", "n_nonmated")]
        table.add_row(name, *errors, *plain, *times, *counts)
    console.print(table)


def show_galleries(rows: Sequence[Mapping]) -> None:
    fnir = [f"FNIR at FPIR {at['fpir']:g}" for at in rows[0]["at_measured_fpir"]]
    ranks = ["rank1", "rank5", "rank20"]
    losses = ["extraction_error", "preselection_error"]
    table = _table(
        "identification: rates in %",
        ["persons", "searches", *fnir, "not extracted", "not preselected", *ranks, "ms"],
    )
    for row in rows:
        table.add_row(
            f"{row['persons']:,}",
            f"{row['searches']:,}",
            *[_rate(at["fnir"], at["fnir_interval"]) for at in row["at_measured_fpir"]],
            *[f"{row[key]:.2f}" for key in (*losses, *ranks)],
            f"{row['search_ms']:.0f}",
        )
    console.print(table)


def show_thresholds(rows: Sequence[Mapping]) -> None:
    table = _table(
        "at the engine's own thresholds: rates in %",
        ["persons", "FPIR stated", "threshold", "FPIR measured", "FNIR"],
    )
    for row in rows:
        for at in row["at_stated_fpir"]:
            table.add_row(
                f"{row['persons']:,}",
                f"{at['fpir']:g}",
                f"{at['threshold']:.2f}",
                _rate(at["measured_fpir"], at["measured_fpir_interval"]),
                _rate(at["fnir"], at["fnir_interval"]),
            )
    console.print(table)


def show_meaning(result: Mapping) -> None:
    table = _table(
        "quality: area under error versus discard; likelihood ratios: cost in bits",
        ["set", "area", "ideal", "Cllr", "least Cllr"],
    )
    for name, quality in result["quality"].items():
        meaning = result["meaning"][name]
        table.add_row(
            name,
            *["–" if quality[key] is None else f"{quality[key]:.2f}" for key in ("area", "ideal")],
            *[f"{meaning[key]:.4f}" for key in ("cllr", "min_cllr")],
        )
    console.print(table)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left")
    return table


def _rate(value: float, ends: Sequence[float]) -> str:
    return f"{value:.2f} ({ends[0]:.2f}-{ends[1]:.2f})"
