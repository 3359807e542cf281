"""The one way to call a model.

An execution goes through six steps, told in full in docs/architecture.md: who may (``service``), what runs with
which configuration and keys (``subject``, ``plan``), within which limits (``limiter``), logged as running, called
on the loop thread, and ended in exactly one terminal log (``ledger``) - whole or as a ``stream``.
"""
