"""What a library warns of while it is loaded silently comes out as it does without the guard."""

import linecache
import pickle
import sys
import warnings

import pytest

pytest.importorskip("sklearn", reason="warns about its versions")


@pytest.fixture
def stream(monkeypatch):
    """An estimator as an older sklearn wrote it."""
    import sklearn.base
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    with monkeypatch.context() as older:
        older.setattr(sklearn.base, "__version__", "0.1")
        return pickle.dumps(model)


def seen_by(load):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        value = load()
    return value, [(warning.category.__name__, str(warning.message), warning.filename, warning.lineno) for warning in seen]


def test_warning_of_another_version_comes_once_and_says_what_it_says(stream, hold):
    def load():
        return pickle.loads(stream)

    _, plain = seen_by(load)
    assert [name for name, *_ in plain] == ["InconsistentVersionWarning"]
    running = hold()
    value, guarded = seen_by(load)
    assert value.coef_ == pytest.approx([1.0])
    assert [one[:2] for one in guarded] == [one[:2] for one in plain]
    assert running.outcomes() == [("pickle.loads", "loaded")]


def test_warning_is_printed_as_without_the_guard(stream, hold, capsys, monkeypatch):
    """Printing it looks up the source line, which opens the sources of a library."""

    def show(message, category, filename, lineno, file=None, line=None):
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))

    monkeypatch.setattr(warnings, "showwarning", show)  # pytest records them
    hold()
    linecache.clearcache()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        pickle.loads(stream)
    assert capsys.readouterr().err.count("InconsistentVersionWarning:") == 1


def test_warning_that_is_an_error_for_the_user_is_that_error(stream, hold):
    from sklearn.exceptions import InconsistentVersionWarning

    running = hold()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InconsistentVersionWarning):
            pickle.loads(stream)
    assert running.outcomes() == [("pickle.loads", "failed")]


def test_way_to_show_warnings_that_is_the_users_own_is_used(stream, hold, monkeypatch, tmp_path):
    shown = []

    def show(message, category, *_others):
        with open(tmp_path / "warnings.log", "a") as log:  # the user's own doing, not the file's
            log.write(str(message))
        shown.append(category.__name__)

    hold()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        pickle.loads(stream)
    assert shown == ["InconsistentVersionWarning"]
