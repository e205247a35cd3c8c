"""Seeded synthetic claims in the `tuva` input layout; nobody in them exists.

Every value is a pure function of (seed, purpose, number), see `draw.py`: no clock, no state, no loop over members.
"""

from datetime import date

FIRST_DATE = date(2024, 7, 1)
"""First service date of the claims."""

LAST_DATE = date(2026, 6, 30)
"""The sample night's `as_of`; a few planted rows lie after it."""
