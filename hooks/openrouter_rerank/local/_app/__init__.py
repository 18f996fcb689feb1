"""The ASGI application that answers the contract's one operation."""
