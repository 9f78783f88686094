"""The database, the only truth: one file a noun, each function a verb within one transaction."""
