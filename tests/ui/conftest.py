"""A real browser, and a real JupyterLab in a folder of its own."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import sys

import pytest
from card_stage import PAGE, STATIC
from card_states import states
from guarded_notebook import Beside, cells
from labs import running_lab

REQUIRED = os.environ.get("MODELGUARD_REQUIRE_BROWSER") == "1"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def absent(what):
    """Skip for want of something, or fail where it was promised."""
    if REQUIRED:
        pytest.fail(f"{what}, and MODELGUARD_REQUIRE_BROWSER is set", pytrace=False)
    pytest.skip(what)


def pytest_collection_modifyitems(items):
    for item in items:
        if "ui" in item.path.parts:
            item.add_marker(pytest.mark.browser)


def chromium():
    """Path of the system's own Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    """Chromium, the system's own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    if chromium() is None:
        absent("no chromium on PATH")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, request):
    """A page on which every error of ours is a failure."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)
    faults = faults_of(opened)
    yield opened
    picture(opened, request.node.name)
    opened.close()
    assert faults == []


def faults_of(page):
    """Gather what our part of the front end raises on a page."""
    faults = []
    page.on("pageerror", lambda error: faults.append(error.stack) if "modelguard" in (error.stack or "") else None)
    return faults


def picture(page, name):
    if shots := os.environ.get("MODELGUARD_SCREENSHOTS"):  # a folder, to look at how each test left the page
        page.screenshot(path=f"{shots}/{re.sub(r'[^a-z0-9]+', '-', name.lower())[-60:]}.png")


@pytest.fixture(scope="module")
def stage(browser):
    """A page that draws the card of given traits."""
    # less motion: colours change at once, and their contrast can be measured
    opened = browser.new_page(viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(10_000)

    def answer(route):
        name = route.request.url.rpartition("/")[2]
        if name in {"card.js", "card.css"}:
            route.fulfill(path=STATIC / name)
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    opened.route("http://card.test/**", answer)
    faults = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    opened.goto("http://card.test/page")
    opened.wait_for_function("window.ready")
    yield opened
    opened.close()
    assert faults == []


@pytest.fixture
def show(stage):
    def shown(what, theme="light", width=1100):
        stage.set_viewport_size({"width": width, "height": 900})
        stage.evaluate("theme => { document.documentElement.dataset.mgTheme = theme }", theme)
        stage.evaluate("traits => window.show(traits)", json.loads(json.dumps(states()[what] if isinstance(what, str) else what)))
        return stage.locator("#card")

    return shown


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab as installed beside these tests, with none of this user's own settings."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def start_lab(tmp_path_factory):
    """Run a server of another kind than `lab`, as a context; see `running_lab`."""

    def start(python=sys.executable, application="jupyterlab", **options):
        if python == sys.executable and importlib.util.find_spec(application) is None:
            absent(f"{application} is not installed")
        return running_lab(tmp_path_factory.mktemp("elsewhere"), python, application, **options)

    return start


@pytest.fixture(scope="session")
def shared_lab(start_lab):
    """A JupyterLab that Ada, Mary and Grace share; see `running_lab`."""
    with start_lab(people=True) as running:
        yield running


@pytest.fixture(scope="session")
def person(browser, shared_lab):
    """Open a page in the browser of one of those who share a server, as a context: cookies, clipboard and downloads are their own."""

    @contextlib.contextmanager
    def opened(name, at):
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]
        )
        context.add_cookies([{"name": "person", "value": name, "url": shared_lab.base}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        faults = faults_of(page)
        page.goto(at)
        try:
            yield page
            assert faults == []
        finally:
            picture(page, f"{at.partition('?')[0].rpartition('/')[2]}-{name}")
            context.close()

    return opened


@pytest.fixture(scope="session")
def worked(shared_lab, person):
    """Ada's panel beside a notebook that is guarded; who uses it leaves nothing waiting."""
    with person("ada", shared_lab.notebook("worked.ipynb", *cells("worked", shared_lab.trust), kernel="test-0")) as page:
        beside = Beside(page, "worked")
        beside.begin()
        yield beside
