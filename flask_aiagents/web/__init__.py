"""HTTP without features."""
