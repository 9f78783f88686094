"""Measures the engine on real prints after ISO/IEC 19795-1: what scripts/evaluate.py is made of."""
