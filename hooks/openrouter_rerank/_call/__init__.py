"""One call: its arguments, its settings, its attempts, and how they are sent."""
