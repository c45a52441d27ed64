"""Primary keys in query strings and forms."""

LONGEST = 18  # digits that fit the column of every database


def parse_row_id(text: str) -> int:
    """Parse a primary key; return 0, which no row has, for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else 0
