"""Provider keys of tenants and agents: encrypted, bound to their origin, never shown again."""
