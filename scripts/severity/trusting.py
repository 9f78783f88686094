"""How far a probability may be trusted: accuracy by coverage, calibration, separation."""

from __future__ import annotations

import numpy as np

SURE = 0.9
COVERAGES = (0.5, 0.7, 0.8, 0.85, 0.9, 0.92, 0.95, 1.0)
BINS = 15


def figures(probability: np.ndarray, right: np.ndarray, disputed: np.ndarray) -> dict:
    """Of the answers with these probabilities, float (n,), `right` bool (n,).

    disputed: charges of which the file itself holds the same words under another label.
    """
    sure = probability >= SURE
    said = {
        "charges": len(right),
        "accuracy": share(right),
        "sure_coverage": share(sure),
        "sure_accuracy": share(right[sure]),
        "sure_errors": int((~right[sure]).sum()),
        "sure_errors_disputed": int((~right & disputed)[sure].sum()),
        "ece": calibration_error(probability, right),
        "risk_coverage": risk_coverage(probability, right),
    }
    if disputed.any() and not disputed.all():
        clear = ~disputed
        said["undisputed"] = {
            "charges": int(clear.sum()),
            "accuracy": share(right[clear]),
            "sure_coverage": share(sure[clear]),
            "sure_accuracy": share(right[clear & sure]),
        }
    return said


def share(happened: np.ndarray) -> float | None:
    """The mean of bools, None of none."""
    return float(happened.mean()) if len(happened) else None


def risk_coverage(probability: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """The error among the surest answers, for shares of all answers."""
    order = np.argsort(-probability, kind="stable")
    error = np.cumsum(~right[order]) / np.arange(1, len(right) + 1)
    count = np.maximum(np.ceil(np.array(COVERAGES) * len(right)).astype(int), 1)
    return [
        {
            "coverage": covered,
            "error": float(error[k - 1]),
            "least": float(probability[order[k - 1]]),
        }
        for covered, k in zip(COVERAGES, count, strict=True)
    ]


def calibration_error(probability: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over equal bins (Naeini, Cooper and Hauskrecht, AAAI 2015)."""
    which = np.minimum((probability * BINS).astype(int), BINS - 1)
    gap = np.bincount(which, probability - right, BINS)
    return float(np.abs(gap).sum() / len(right))


def area(score: np.ndarray, truth: np.ndarray) -> float | None:
    """Area under the ROC curve, ties counted half; None where one side is empty."""
    from scipy.stats import rankdata

    positive = int(truth.sum())
    if positive in (0, len(truth)):
        return None
    ranks = rankdata(score)[truth].sum() - positive * (positive + 1) / 2
    return float(ranks / (positive * (len(truth) - positive)))
