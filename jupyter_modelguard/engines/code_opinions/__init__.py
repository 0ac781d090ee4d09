"""What other analysers say of a model's own code: evidence beside our own reading of it, which lowers nothing."""
