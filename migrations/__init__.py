"""Our Alembic environment; run it with ``flask aiagents db``."""
