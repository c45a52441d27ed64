"""The JSON API under /api/v1/, its tokens, and the calendar feed."""
