"""The gallery as matching reads it: packed arrays and the shortlist, derived from the database."""
