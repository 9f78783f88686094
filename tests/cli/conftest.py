"""The fixtures of the command line's tests."""

from tests.prints_at_no_cost import free_extraction, make_row

__all__ = ["free_extraction", "make_row"]
