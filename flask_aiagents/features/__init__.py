"""The capabilities of the system, each with its models, schemas, service and routes."""
