"""One engine a format."""
