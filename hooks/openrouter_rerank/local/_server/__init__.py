"""The HTTP server: uvicorn with a listening socket, cuttable connections and signals."""
