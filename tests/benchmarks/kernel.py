"""What the guard costs a kernel: loading it, the first record, the first card, and the click that lets a cell go on.

    python tests/benchmarks/kernel.py [--runs 5] [--browser]

Each run is a fresh kernel. `%load_ext` and the first record are timed inside it, the first card from the request to run the cell until
the card's message arrives. With `--browser` a real JupyterLab in Chromium shows the card, and the click is timed in the page until the
output of the resumed cell is there. The next kernel loads what the one before has looked at. Figures are medians in milliseconds.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from in_browser import lab_page, run_cell
from jupyter_client.manager import start_new_kernel

LOAD_EXT = """
import time
started = time.perf_counter()
get_ipython().run_line_magic("load_ext", "modelguard")
print((time.perf_counter() - started) * 1e3)
"""
FIRST_RECORD = """
import numpy, pickle, time
data = pickle.dumps(numpy.arange(3))
started = time.perf_counter()
pickle.loads(data)
print((time.perf_counter() - started) * 1e3)
"""
FIRST_CARD = """
import os, pickle
class Armed:
    def __reduce__(self):
        return os.getpid, ()
data = pickle.dumps(Armed())
pickle.loads(data)
"""
BROWSER_CELL = FIRST_CARD.replace("os.getpid", "os.getppid") + "print('resumed')"
NEXT = "first record, next kernel"
TARGETS = {"%load_ext": 150, "first record": 1500, NEXT: 1500, "first card": 1500, "click to resumed cell": 150}


def printed(client, code):
    """Run a cell and return the number it printed."""
    found = []
    client.execute_interactive(code, timeout=60, output_hook=lambda message: found.append(message["content"].get("text")))
    return float(next(text for text in found if text))


def first_card(client):
    """Milliseconds until the card's widget is announced; the cell is then interrupted."""
    started = time.perf_counter()
    client.execute(FIRST_CARD)
    while True:
        message = client.get_iopub_msg(timeout=60)
        state = message["content"].get("data", {}).get("state", {}) if message["msg_type"] == "comm_open" else {}
        if str(state.get("_anywidget_id", "")).startswith("jupyter_modelguard."):
            return (time.perf_counter() - started) * 1e3


def in_kernels(runs, home):
    """Measure fresh kernels."""
    found = {case: [] for case in ("%load_ext", "first card", "first record", NEXT)}
    for _ in range(runs):
        for case in list(found)[1:]:
            if case != NEXT:
                shutil.rmtree(Path(home) / "traces", ignore_errors=True)  # nothing was looked at before
            manager, client = start_new_kernel()
            try:
                printed(client, "print(1)")
                found["%load_ext"].append(printed(client, LOAD_EXT))
                found[case].append(first_card(client) if case == "first card" else printed(client, FIRST_RECORD))
            finally:
                client.stop_channels()
                manager.shutdown_kernel(now=True)
    return found


def in_browser(runs):
    """Measure clicks in a real JupyterLab."""
    times = []
    with lab_page() as (page, lab):
        page.goto(lab.notebook("clicks.ipynb", "%load_ext modelguard", *[BROWSER_CELL] * runs, kernel="test-0"))
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        for at in range(runs + 1):
            cell = run_cell(page, at)
            if at:
                card = cell.locator(".mg-card")
                card.get_by_role("button", name="Run it anyway").click()
                card.get_by_role("radio", name="I made this file").check()
                run = card.get_by_role("button", name="once")
                run.scroll_into_view_if_needed()
                times.append(cell.evaluate(CLICK))
    return {"click to resumed cell": times}


CLICK = """
cell => new Promise(done => {
  const button = [...cell.querySelectorAll('.mg-btn--run')].at(-1);
  const resumed = () => [...cell.querySelectorAll('.jp-OutputArea-output pre')].some(pre => pre.textContent.includes('resumed'));
  const started = performance.now();
  new MutationObserver((_, observer) => {
    if (resumed()) { observer.disconnect(); done(performance.now() - started); }
  }).observe(cell, { childList: true, subtree: true, characterData: true });
  button.click();
})
"""


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--browser", action="store_true", help="time clicks in Chromium too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MODELGUARD_HOME"] = home
        found = in_kernels(options.runs, home)
    if options.browser:
        found |= in_browser(options.runs)
    print(f"{'what':<28}{'median ms':>10}{'least':>10}{'most':>10}{'target':>10}")
    for what, times in found.items():
        print(f"{what:<28}{statistics.median(times):>10.0f}{min(times):>10.0f}{max(times):>10.0f}{TARGETS[what]:>10}")


if __name__ == "__main__":
    main()
