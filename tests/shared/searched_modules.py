"""What guards of one test run know of the modules that are imported, so that not each searches them all for loaders again."""

__all__ = ["SEARCHED"]

SEARCHED = {}
