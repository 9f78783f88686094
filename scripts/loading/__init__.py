"""Load tests of the service: what it bears, whether it lasts, and what it never loses."""
