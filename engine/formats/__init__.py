"""Files in and out: images, templates, tables of persons and records."""
