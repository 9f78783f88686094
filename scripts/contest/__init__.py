"""What scripts/peers.py is made of: the matchers, what they compare, the tables."""
