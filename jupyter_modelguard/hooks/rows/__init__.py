"""Groups of rows of the table, a library family a module."""
