"""Who may use the embedded server, and what it asks for them."""
