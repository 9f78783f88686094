"""Reading, learning and measuring charges: what evaluate_severity.py and train/charges.py share."""
