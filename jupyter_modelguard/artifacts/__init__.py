"""Identify: how the bytes of a load are reached, what they are, and the one copy that is proved and then loaded."""
