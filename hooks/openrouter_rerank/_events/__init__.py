"""Reporting on a call while it goes on: the user's hooks, and the log."""
