"""What tests of several folders share."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "shared"))

from fake_hub import FakeHub

# Clients of the hub read these once, when they are imported; no test asks another one.
HUB = FakeHub()
HUB_HOME = tempfile.mkdtemp(prefix="hub-")
os.environ.update(HF_ENDPOINT=HUB.url, HF_HOME=HUB_HOME, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")


@pytest.fixture(scope="session", autouse=True)
def hub_of_this_run():
    """The hub that all tests of this run ask."""
    yield HUB
    HUB.close()
    shutil.rmtree(HUB_HOME, ignore_errors=True)


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
