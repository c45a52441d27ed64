"""The keys of rows as requests name them outside the path."""

LONGEST = 18  # digits that every database can hold


def parse_row_id(text: str) -> int:
    """The key that a text names; 0, which no row has, where it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else 0
