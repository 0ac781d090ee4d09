"""What the tests of born here save, load and see asked about."""

import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError


class Opens:
    """Pickles as a call of something that nothing vouches for, and leaves a canary when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import logging.handlers

        return logging.handlers.WatchedFileHandler, (self.path,)


def save(thing, path, **options):
    with path.open("wb") as file:
        pickle.dump(thing, file, **options)


def load(path, loader=None):
    with path.open("rb") as file:
        value = (loader or pickle.load)(file)
    if hasattr(value, "close"):
        value.close()
    return value


def asks(person, path, loader=None):
    with pytest.raises(ModelLoadBlockedError):
        load(path, loader)
    return len(person.asked)
