"""The page at `GET /`: its files, what it is told of the server, and how it reads documents."""
