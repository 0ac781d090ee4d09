"""SCAN: what a model file would do, told from the interpreter's own reading of it."""
