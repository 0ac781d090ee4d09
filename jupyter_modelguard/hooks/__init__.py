"""Intercept: wrappers on the loaders people call, and the audit floor under every library.

`table` lists the wrapped loaders, `patches` puts them in place and takes them out again, `floor` is the one audit hook, and
`gate` is what the hooks ask of the guard.
"""
