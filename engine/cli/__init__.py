"""The command line, `tenprint`: one file a verb group, thin over the service."""

from engine.cli.app import main

__all__ = ["main"]
