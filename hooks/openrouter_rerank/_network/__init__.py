"""The only code that touches sockets: the key, deadlines, connections and their pools."""
