"""What a person does with records in a real lab: forget, delete, copy, take along as a file, and go back to the cell."""

import csv
import io
import json

import pytest
from guarded_notebook import ARMED, ODD, PLAIN

REMEMBER = "Run 1 unknown function and remember this file"


@pytest.fixture(scope="module")
def ada(worked):
    """The panel with a record of each kind: a load that was silent, one that was allowed, one that was kept blocked."""
    worked.to_list()
    worked.run(PLAIN)
    worked.rows("plain").first.wait_for()
    worked.stop(ODD)
    worked.allow(REMEMBER, "This exact file")
    worked.output(ODD, "odd")
    worked.stop(ARMED)
    worked.keep_blocked()
    worked.output(ARMED, "ModelLoadBlockedError")
    worked.rows("armed").filter(has_text="kept blocked by ada").first.wait_for()
    return worked


@pytest.fixture(autouse=True)
def at_the_list(ada):
    ada.to_list()


def exported(ada, name):
    """Give the file that a format's button makes, by its name."""
    if not ada.panel.get_by_role("group", name="Export").is_visible():
        ada.press("Export")
    with ada.page.expect_download() as coming:
        ada.panel.get_by_role("group", name="Export").get_by_role("button", name=name, exact=True).click()
    return coming.value.suggested_filename, coming.value.path().read_text("utf-8")


def test_a_remembered_file_is_silent_until_its_decision_is_forgotten(ada):
    ada.run(ODD)
    ada.rows("odd").nth(1).wait_for()
    assert ada.waiting.is_hidden()
    ada.open_row("odd", "from now on")
    assert any("Allowed and remembered" in step and "by ada, by an earlier decision" in step for step in ada.trail())
    ada.press("Forget this decision")
    ada.confirm("Keep it")
    ada.press("Forget this decision")
    ada.confirm("Forget it")
    ada.panel.get_by_role("button", name="Forget this decision").wait_for(state="detached")
    ada.to_list()
    ada.stop(ODD)
    ada.keep_blocked()
    ada.output(ODD, "ModelLoadBlockedError")


def test_a_deleted_record_is_gone_for_good(ada):
    known = ada.rows("plain").count()
    ada.run(PLAIN)
    ada.rows("plain").nth(known).wait_for()
    before = json.loads(exported(ada, "JSON")[1])
    ada.open_row("plain")
    ada.press("Delete this record")
    ada.confirm("Delete")
    ada.rows("armed").first.wait_for()
    ada.page.wait_for_function("document.activeElement.closest('.mg-side') !== null")
    assert len(records(json.loads(exported(ada, "JSON")[1]))) == len(records(before)) - 1


def records(content):
    return content["records"] if isinstance(content, dict) else content


def test_a_report_is_copied_as_text(ada):
    ada.open_row("armed")
    ada.press("Copy report")
    ada.panel.get_by_role("button", name="Copied").wait_for()
    said = ada.page.evaluate("navigator.clipboard.readText()")
    assert said.startswith("modelguard #")
    for words in (f"armed-{ada.name}.pkl", "Dangerous", "kept blocked by ada", "posix.system", "Kept blocked ada in the sidebar"):
        assert words in said


def test_the_history_comes_as_json(ada):
    name, text = exported(ada, "JSON")
    assert name == "modelguard-history.json"
    assert f"armed-{ada.name}.pkl" in text
    json.loads(text)


def test_the_history_comes_as_csv(ada):
    name, text = exported(ada, "CSV")
    assert name == "modelguard-history.csv"
    lines = list(csv.DictReader(io.StringIO(text)))
    assert any(f"armed-{ada.name}.pkl" in "".join(map(str, line.values())) for line in lines)


def test_the_history_comes_as_sarif(ada):
    name, text = exported(ada, "SARIF")
    content = json.loads(text)
    assert name == "modelguard-history.sarif"
    assert content["version"] == "2.1.0"
    assert content["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = content["runs"]
    assert run["tool"]["driver"]["name"] == "modelguard"
    assert any(result["level"] == "error" for result in run["results"])


def test_the_history_comes_as_a_bill_of_materials(ada):
    pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed")
    name, text = exported(ada, "CycloneDX")
    content = json.loads(text)
    assert name == "modelguard-history.cdx.json"
    assert content["bomFormat"] == "CycloneDX"
    assert any(one["type"] == "machine-learning-model" for one in content["components"])


def test_one_record_comes_as_a_file(ada):
    ada.open_row("armed")
    with ada.page.expect_download() as coming:
        ada.panel.locator(".mg-bar").get_by_role("button", name="Export", exact=True).click()
    content = json.loads(coming.value.path().read_text("utf-8"))
    assert coming.value.suggested_filename == f"modelguard-{content['row']['id']}.json"
    assert content["row"]["name"] == f"armed-{ada.name}.pkl"


def test_open_cell_opens_a_notebook_that_was_closed(ada):
    ada.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    ada.page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    ada.page.evaluate("window.jupyterapp.commands.execute('application:close')")
    ada.page.locator(".jp-NotebookPanel").wait_for(state="detached")
    ada.panel.get_by_text("No Python notebook selected").wait_for()
    ada.open_row("armed")
    ada.press("Open cell")
    active = ada.page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active")
    active.get_by_text(f"load('armed-{ada.name}.pkl')").wait_for()
    ada.to_list()
    ada.panel.get_by_text(f"{ada.name}.ipynb is guarded").wait_for()
