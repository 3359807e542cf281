"""Figures from the log: what agents did, how well, how fast and for how much."""
