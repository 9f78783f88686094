"""From probe and candidates to evidence, scores, likelihood ratios and thresholds."""
