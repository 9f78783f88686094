"""How well an order of charges by predicted severity agrees with their degrees."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau

TOP = 50


def ndcg(predicted: np.ndarray, truth: np.ndarray, top: int | None, *, exponential: bool) -> float:
    """Normalised discounted cumulative gain of the `top` first (all for None), 0..1.

    Gain of a grade g is 2^g - 1, or g (Järvelin and Kekäläinen, ACM TOIS 20, 2002; Burges et al.,
    ICML 2005). Charges that tie share the mean gain of their places, so that the order of the
    file decides nothing (McSherry and Najork, ECIR 2008).
    """
    gain = 2.0**truth - 1 if exponential else truth.astype(np.float64)
    discount = 1 / np.log2(np.arange(len(truth)) + 2)
    if top is not None:
        discount[top:] = 0
    values, tied = np.unique(-predicted, return_inverse=True)
    mean = np.bincount(tied, gain, len(values)) / np.bincount(tied, minlength=len(values))
    best = float(np.sort(gain)[::-1] @ discount)
    return float(mean[np.sort(tied)] @ discount) / best if best else 0.0


def figures(severity: np.ndarray, untied: np.ndarray, truth: np.ndarray) -> dict[str, float | int]:
    """Kendall's tau-b and NDCG of predicted severity against grades.

    untied: a severity in which hardly two charges tie (the mean place). Where the truth ties a
    great deal no untied order can reach 1: `tau_b_untied_at_most`.
    """
    share = np.bincount(truth.astype(int)) / len(truth)
    return {
        "charges": len(truth),
        "tau_b": float(kendalltau(severity, truth).statistic),
        "tau_b_untied": float(kendalltau(untied, truth).statistic),
        "tau_b_untied_at_most": float(np.sqrt(1 - (share**2).sum())),
        "ndcg": ndcg(severity, truth, None, exponential=False),
        "ndcg_exponential": ndcg(severity, truth, None, exponential=True),
        f"ndcg{TOP}_exponential": ndcg(severity, truth, TOP, exponential=True),
        f"ndcg{TOP}_exponential_untied": ndcg(untied, truth, TOP, exponential=True),
    }
