"""Rerank documents through OpenRouter."""
