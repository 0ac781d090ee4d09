"""What tests of several folders share."""

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
