"""The client that reaches the application without a socket."""
