"""Encoding arguments as bytes, and decoding bytes as models and errors. Pure: no I/O."""
