"""Who is acting and what that allows: identity, API keys, roles and permissions."""
