"""Edits held against the truth: an exchange that lags and disagrees, two people and a third."""
