"""What the framework adapters share; each adapter is a public module one level up."""
