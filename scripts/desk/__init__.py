"""A made-up installation for the examiner's desk, and a server of its pages."""
