"""Prints and templates made by the project itself, with their ground truth."""
