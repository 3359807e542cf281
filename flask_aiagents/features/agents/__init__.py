"""Agents and their tenants' configurations: defined, validated, kept."""
