"""What files of documents hold: as the command reads them, and the embedded server's page."""
