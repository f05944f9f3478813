"""Measurements against the floor of the same run: `make bench`. They say what they found, and fail past a limit."""
