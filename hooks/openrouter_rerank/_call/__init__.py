"""One call: its arguments, its settings, its attempts, and what sends them."""
