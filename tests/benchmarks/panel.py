"""What the panel costs a person: how soon a load is a row, how soon a decision there lets the cell go on, and how it scrolls.

    python tests/benchmarks/panel.py [--runs 10] [--rows 10000]

A real JupyterLab in Chromium, with its server extension, a real kernel, and a history that already has so many rows. A row's time runs from
the end of the load, by the clock of this machine, until the row is drawn; a decision's from the press until the output of the resumed cell
is there; a filter's from the key until the filtered list is drawn. Figures are medians in milliseconds.
"""

import argparse
import statistics
import time

from in_browser import lab_page, run_cell

SETUP = """
%load_ext modelguard
import os, pickle, time
class Armed:
    def __reduce__(self):
        return os.getppid, ()
def load(name):
    with open(name, "rb") as file:
        pickle.load(file)
    return f"ended {time.time() * 1e3}"
"""
LOAD = """
with open("plain-{at}.pkl", "wb") as file:
    pickle.dump([{at}], file)
load("plain-{at}.pkl")
"""
ARMED = """
pickle.loads(pickle.dumps(Armed()))
print("resumed")
"""
TARGETS = {
    "load to row": 300,
    "press to resumed cell": 300,
    "key to filtered list": 300,
    "frame while scrolling": 17,
    "longest frame": 100,
}


def fill(rows):
    """Write a history of so many loads, in a hundred notebooks."""

    def write(folder):
        from jupyter_modelguard.history.store import Store
        from jupyter_modelguard.types import CallSite

        store = Store(folder)
        for at in range(rows):
            site = CallSite(f"/data/study-{at % 100}.ipynb", f"cell-{at}", at, 1)
            store.note("torch.load", f"/data/model-{at}.pt", 1_000_000 + at, time.time() - 3600 - at, site, 0.1)
        store.close()

    return write


ROW = """
name => new Promise(done => {
  const seen = () => [...document.querySelectorAll('.mg-side .mg-item')].some(row => row.textContent.includes(name));
  const look = () => { if (seen()) done(Date.now()); else requestAnimationFrame(look); };
  look();
})
"""
PRESS = """
() => new Promise(done => {
  const button = [...document.querySelectorAll('.mg-side .mg-btn--run')].at(-1);
  const outputs = () =>
    [...document.querySelectorAll('.jp-OutputArea-output pre')].filter(pre => pre.textContent.includes('resumed')).length;
  const before = outputs(), started = performance.now();
  const look = () => { if (outputs() > before) done(performance.now() - started); else requestAnimationFrame(look); };
  button.click();
  look();
})
"""
SCROLL = """
() => new Promise(done => {
  const scroller = [...document.querySelectorAll('.mg-side, .mg-side *')].find(one => one.scrollHeight > one.clientHeight + 1000);
  const frames = [];
  let last = performance.now(), began = last;
  const step = now => {
    frames.push(now - last);
    last = now;
    scroller.scrollTop += 400;
    if (now - began < 4000) requestAnimationFrame(step); else done(frames.slice(2));
  };
  requestAnimationFrame(step);
})
"""
FILTER = """
text => new Promise(done => {
  const input = document.querySelector('.mg-side input[type=search]');
  const started = performance.now();
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  const look = () => {
    const rows = [...document.querySelectorAll('.mg-side .mg-item')];
    const drawn = rows.length > 0 && rows.every(row => row.textContent.includes(text));
    if (drawn) done(performance.now() - started); else requestAnimationFrame(look);
  };
  look();
})
"""


def measure(runs, rows):
    """Measure a page."""
    found = {case: [] for case in TARGETS}
    cells = [LOAD.format(at=f"{at}") for at in range(runs)] + [ARMED] * runs
    with lab_page(fill(rows)) as (page, lab):
        page.set_default_timeout(60_000)
        page.goto(lab.notebook("panel.ipynb", SETUP, *cells, kernel="test-0"))
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        page.evaluate("window.jupyterapp.restored.then(() => window.jupyterapp.commands.execute('modelguard:open-panel'))")
        run_cell(page, 0)
        panel = page.locator(".mg-side")
        panel.get_by_text("panel.ipynb is guarded").wait_for()
        panel.get_by_text("study-0.ipynb").first.wait_for()
        for at in range(runs):
            cell = run_cell(page, 1 + at)
            drawn = page.evaluate(ROW, f"plain-{at}.pkl")
            said = cell.locator(".jp-OutputArea-executeResult pre")
            said.wait_for()
            found["load to row"].append(drawn - float(said.inner_text().strip("'").split()[1]))
            page.wait_for_timeout(1_000)  # a person's pace; the history writes more seldom when lines keep coming
        for at in range(runs):
            run_cell(page, 1 + runs + at)
            panel.locator(".mg-pend").get_by_role("button", name="Review").click()
            card = panel.locator(".mg-card")
            card.get_by_role("button", name="Run it anyway").click()
            card.get_by_role("radio", name="I made this file").check()
            found["press to resumed cell"].append(page.evaluate(PRESS))
            panel.locator(".mg-pend").wait_for(state="hidden")
        frames = page.evaluate(SCROLL)
        found["frame while scrolling"], found["longest frame"] = frames, [max(frames)]
        for at in range(runs):
            found["key to filtered list"].append(page.evaluate(FILTER, f"model-{rows // 2 + at}"))
    return found


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=10_000, help="lines that the history has before")
    options = parser.parse_args()
    print(f"{'what':<28}{'median ms':>10}{'least':>10}{'most':>10}{'target':>10}")
    for what, times in measure(options.runs, options.rows).items():
        print(f"{what:<28}{statistics.median(times):>10.0f}{min(times):>10.0f}{max(times):>10.0f}{TARGETS[what]:>10}")


if __name__ == "__main__":
    main()
