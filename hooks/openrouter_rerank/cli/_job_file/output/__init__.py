"""What a run writes: results and failures, line by line."""
