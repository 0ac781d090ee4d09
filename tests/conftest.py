"""What tests of several folders share."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "shared"))


@pytest.fixture(params=["watched", "light"])
def kind(request, monkeypatch):
    """Judge a stream with every object watched, and by the light trace that streams of many globals get."""
    from jupyter_modelguard.engines import trace

    if request.param == "light":
        monkeypatch.setattr(trace, "WATCH_ALL", -1)
    return request.param


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server for the whole run; see `databases`."""
    import databases

    why = databases.missing()
    if why is not None:
        assert os.environ.get("MODELGUARD_REQUIRE_POSTGRESQL") != "1", why
        pytest.skip(why)
    server = databases.Server()
    yield server
    server.close()


@pytest.fixture
def history(request, tmp_path):
    """Where a test's history is: in a file, unless it is parametrised to be in PostgreSQL; `both` in `histories` does that."""
    from histories import Place

    url = request.getfixturevalue("postgresql").database() if getattr(request, "param", "sqlite") == "postgresql" else None
    made = Place(tmp_path, url)
    yield made
    made.close()
