"""Failing on purpose: which requests fail, and how."""
