"""What Python files could do, read from their source: which known capabilities they reach, and when each would run."""
