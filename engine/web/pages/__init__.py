"""The pages that people work at: the examiners' queue, their cases, and the statistics."""
