"""The fixtures of the pages' tests."""

from tests.web.pages.office import filled, people, visitor

__all__ = ["filled", "people", "visitor"]
