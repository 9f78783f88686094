"""Shows the figures of an evaluation of charges on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

console = Console(width=150)
MISSES_SHOWN = 15


def show(told: Mapping) -> None:
    """Everything: what was read, every way of grouping, jurisdictions, tiers."""
    about = told["about"]
    hidden = ", ".join(f"{count:,} {kind}" for kind, count in about["hidden_labels"].items())
    console.print(f"{about['file']}: {about['charges']:,} charges; columns {about['columns']}")
    console.print(f"taken out of the charges: {hidden}")
    for title, figures in [*told["by"].items(), *told.get("jurisdictions", {}).items()]:
        show_figures(title, figures)
    if "tiers" in told:
        show_tiers(told["tiers"])


def show_figures(title: str, figures: Mapping) -> None:
    if "order" in figures:
        order = figures["order"]
        table = _table(f"{title}: severity against degree ({order['of']})", ["", *[*order][1:]])
        ways = [("", order), *figures.get("order_over_seeds", {}).items()]
        for name, row in ways:
            rates = [f"{value:.4f}" for value in row.values() if isinstance(value, float)]
            table.add_row(name, f"{order['charges']:,}", *rates)
        console.print(table)
    rows = [(name, figures[name]) for name in ("felony", "broad", "category") if name in figures]
    if rows:
        show_trust(title, rows)
    if figures.get("violent_auc") is not None:
        console.print(f"{title}: violent or not, area under ROC {figures['violent_auc']:.4f}")


def show_trust(title: str, rows: Sequence[tuple[str, Mapping]]) -> None:
    covered = [row["coverage"] for row in rows[0][1]["risk_coverage"]]
    table = _table(
        f"{title}: in %; right where p >= 0.9; errors among the surest",
        ["what", "charges", "right", "p >= 0.9: right", "of all", "ECE",
         *[f"at {100 * one:g}" for one in covered]],
    )  # fmt: skip
    for name, row in rows:
        errors = [_percent(one["error"]) for one in row["risk_coverage"]]
        table.add_row(name, f"{row['charges']:,}", *_sure(row), _percent(row["ece"]), *errors)
        if "undisputed" in row:
            clear = row["undisputed"]
            table.add_row(f"{name}, undisputed", f"{clear['charges']:,}", *_sure(clear))
    console.print(table)


def show_tiers(tiers: Mapping) -> None:
    worst = tiers["worst_tier"]
    console.print(
        f"worst tier, by the rules on the text alone: {worst['charges']:,} charges;"
        f" in tier {_percent(worst['in_tier'])}, to review {_percent(worst['sent_to_review'])},"
        f" together {_percent(worst['recall'])} %; of all charges"
        f" {_percent(worst['review_of_all'])} % go to review; missed {worst['missed']}"
    )
    for miss in worst["misses"][:MISSES_SHOWN]:
        console.print(
            f"  {miss['charge']}: {miss['truth']}, rules say {miss['rules']}", markup=False
        )
    if "level_1" in tiers:
        level = tiers["level_1"]
        ways = {
            name: {key: value for key, value in row.items() if key != "misses"}
            for name, row in level.items()
            if isinstance(row, Mapping)
        }
        table = _table(
            f"Level 1, in %; truth: {level['truth']}", ["by", *next(iter(ways.values()))]
        )
        for name, row in ways.items():
            rates = [_percent(value) for key, value in row.items() if key != "charges"]
            table.add_row(name, f"{row['charges']:,}", *rates)
        console.print(table)


def _sure(row: Mapping) -> list[str]:
    return [_percent(row[key]) for key in ("accuracy", "sure_accuracy", "sure_coverage")]


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left")
    return table


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"
