"""A real JupyterLab in Chromium for benchmarks, with the fixtures of the browser tests."""

import contextlib
import importlib.util
import sys
import tempfile
from pathlib import Path


@contextlib.contextmanager
def lab_page(fill=lambda folder: None):
    """Give a page and the server behind it; `fill` may write to the folder of the history before that starts."""
    from playwright.sync_api import sync_playwright

    sys.path.append(str(Path(__file__).parents[1] / "shared"))  # as the tests have it
    path = Path(__file__).parents[1] / "ui" / "conftest.py"
    spec = importlib.util.spec_from_file_location("ui_conftest", path)
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        fixtures.running_lab(Path(folder)) as lab,
    ):
        fill(Path(folder) / "modelguard")
        browser = playwright.chromium.launch(executable_path=fixtures.chromium(), args=fixtures.QUIET)
        yield browser.new_page(viewport={"width": 1280, "height": 900}), lab
        browser.close()


def run_cell(page, at):
    """Run a cell, and give it."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(at)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell
