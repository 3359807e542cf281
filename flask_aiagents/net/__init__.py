"""HTTP to other servers: the address guard, name resolution and clients with limits that fire."""
