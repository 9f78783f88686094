"""Enrol, identify, verify, remove: what every face of Tenprint calls. No printing, no HTTP."""
