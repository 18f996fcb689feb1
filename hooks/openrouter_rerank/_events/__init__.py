"""What is told of a call while it goes on: the user's hooks, and the log."""
