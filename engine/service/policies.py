"""Policies: the rules that rank, for whoever wants to read or check them."""

from engine.risk.policy import Policy, list_policies, load_policy

__all__ = ["Policy", "list_policies", "load_policy"]
