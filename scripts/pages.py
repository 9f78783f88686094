"""Pages of which a part is written by a script, between marks of its name."""

from __future__ import annotations


def replace_section(page: str, name: str, section: str) -> str:
    """The page with this between its marks. Raises ValueError where it has none."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not closed:
        raise ValueError(f"put {begin} and {end} where the section shall be")
    return f"{before}{begin}\n\n{section}\n{end}{after}"
