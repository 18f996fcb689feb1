"""What the adapters to frameworks share; each adapter is a public module one level up."""
