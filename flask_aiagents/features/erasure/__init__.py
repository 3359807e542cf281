"""Forgetting a tenant or a person for good: what they wrote and who they were goes, the books stay."""
