"""What the error of a blocked load shows beside its message: the reader's own line, and little of ours."""

import base64
import pickle
import traceback

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError


class Call:
    def __reduce__(self):
        return base64.b64encode, (b"x",)


def frames_below(error, function):
    """Modules of the frames below the one of a function, the innermost last."""
    names = [(frame.name, frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    at = [name for name, _ in names].index(function)
    return [file.rpartition("/")[2] for _, file in names[at + 1 :]]


def own_line(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def test_frames_of_the_look_are_left_out(hold, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(Call()))
    hold(False)
    with pytest.raises(ModelLoadBlockedError) as raised:
        own_line(path)
    below = frames_below(raised.value, "own_line")
    assert set(below) <= {"pickle_loaders.py", "passage.py"}
    assert len(below) <= 4
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_notebook_shows_the_message_alone(hold, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(Call()))
    hold(False)
    with pytest.raises(ModelLoadBlockedError) as raised:
        own_line(path)
    (shown,) = raised.value._render_traceback_()
    assert shown.startswith("ModelLoadBlockedError: a.pkl was not loaded (")
    assert "base64.b64encode ×1" in shown.splitlines()[0]
