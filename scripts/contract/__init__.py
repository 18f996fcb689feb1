"""The steps from OpenRouter's document to the contract, each pure and small."""
