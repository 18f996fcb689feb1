"""Checking a request: its host, its key and its body."""
