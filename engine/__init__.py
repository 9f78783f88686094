"""Tenprint: fingerprint identification, from images to hits in the order that matters."""
