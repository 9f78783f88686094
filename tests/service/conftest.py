"""The fixtures of the service's tests."""

from tests.prints_at_no_cost import free_extraction, make_row, tenprint

__all__ = ["free_extraction", "make_row", "tenprint"]
