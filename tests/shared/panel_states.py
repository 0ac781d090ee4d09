"""Every state of the panel and of the shield, in one page of a real JupyterLab, from answers of a server that are made up."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from panel_stage import PLACE, MadeUpServer, approval, look_again, open_panel, row

FIND = "[...window.jupyterapp.shell.widgets(side)].find(one => one.id === 'jupyter-modelguard-panel')"
PANEL = f"(side => {FIND})('left')"
# what the kernel of the notebook in front would say, in the place of what it says
FRONT = f"""front => {{
  const panel = {PANEL};
  panel.actions.front = () => front;
  panel.draw();
}}"""
# nothing opened, typed, said or known of before
FRESH = f"""() => {{
  const panel = {PANEL};
  panel.record.close();
  panel.export.node.hidden = true;
  panel.notes.node.replaceChildren();
  panel.filter.clear();
  document.activeElement.blur();
  panel.history.setFilter({{ text: '', levels: [] }}, false);
  return panel.history.look();
}}"""
# as it is before the first answer
UNKNOWN = f"""() => {{
  const {{ history }} = {PANEL};
  Object.assign(history, {{ status: null, overview: null, figures: null, asOf: 0 }});
}}"""
SHIELD = """([state, waiting]) => {
  const below = widget => widget.node.matches('.mg-status') ? [widget] : [...widget.children()].flatMap(below);
  const shield = [...window.jupyterapp.shell.widgets('bottom')].flatMap(below)[0];
  shield.display('train.ipynb', state, waiting);
}"""
BOTTOM = """panel => Math.min(panel.getBoundingClientRect().bottom, Math.max(...[...panel.querySelector('.mg-scroll').children]
  .filter(one => one.offsetParent !== null && one.getClientRects().length > 0).map(one => one.getBoundingClientRect().bottom)) + 8)"""
# what is cut by an ellipsis ends where it should, whatever its text would need
TOO_WIDE = """panel => [...panel.querySelectorAll('*')].filter(one => {
  const box = one.getBoundingClientRect();
  const cut = one.closest('.mg-sr, svg, .mg-line2, .mg-name, .mg-head-of') !== null;
  return box.width > 1 && !cut && box.right > panel.getBoundingClientRect().right + 1;
}).map(one => one.className || one.textContent)"""

WIDEST = 500
OLD = "experiments/2025-11/detectors/baseline.ipynb"
YOLO = f"hf:acme/yolo@{'4f2c9e1a' * 5}"
FACTS = {
    "Call": "pickle.load(f)",
    "Cell": "train.ipynb · In [12] line 2",
    "From": "/home/ada/downloads/weights_final.pkl",
    "File": "sha256 51aa07c2…e8b4109d, 1.2 MB",
    "Checked": "1 of 1 parts · not checked: nothing",
    "It would run as": "ada, with HF_TOKEN set · network open · home folder writable",
}


class StagedServer(MadeUpServer):
    """A made-up server that can also refuse, or have a history that is out of order."""

    def __init__(self, page):
        super().__init__(page)
        self.settle()

    def settle(self):
        """Forget what was set for a state."""
        self.rows, self.approvals = [], []
        self.down = self.absent = self.refuses = False
        self.may_decide = True
        self.problem = None

    def say(self, request, path, query):
        if self.refuses:
            return 403, {"message": "You may not read this history.", "next": "Ask whoever runs this server for the right to."}
        status, body = super().say(request, path, query)
        return status, body | {"problem": self.problem} if path == "status" else body

    def record(self, request, path):
        status, body = super().record(request, path)
        if status == 200 and "facts" in body:
            body["facts"] = [{"label": label, "text": text} for label, text in FACTS.items()]
        return status, body


class PanelStage:
    """The panel beside an open notebook, with `server` to say what it is told."""

    def __init__(self, page, lab):
        page.emulate_media(reduced_motion="reduce")
        page.set_viewport_size({"width": 1280, "height": 1500})
        self.page, self.server = page, StagedServer(page)
        self.notebooks = {name: str(lab.folder / name) for name in ("train.ipynb", "eval.ipynb", OLD)}
        page.goto(lab.notebook("train.ipynb", "model = torch.load('yolo.pt', weights_only=False)"))
        self.panel = open_panel(page)
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        self.panel.get_by_text("train.ipynb is not guarded").wait_for()

    def begin(self):
        """Take back whatever the state before has set."""
        self.server.settle()
        self.page.evaluate("document.querySelectorAll('.jp-Dialog .jp-mod-reject').forEach(one => one.click())")
        self.front("guarded")
        self.page.evaluate(FRESH)

    def front(self, guard, notebook="train.ipynb", place=PLACE):
        self.page.evaluate(FRONT, {"notebook": notebook, "guard": guard, "place": place})

    def look(self):
        look_again(self.page)

    def theme(self, name):
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=name)

    def width(self, pixels):
        """Drag the sidebar's edge until the panel is that wide."""
        box = self.panel.bounding_box()
        at = box["x"] + box["width"] + 1, box["y"] + 300
        self.page.mouse.move(*at)
        self.page.mouse.down()
        self.page.mouse.move(at[0] + pixels - box["width"], at[1], steps=3)
        self.page.mouse.up()
        self.page.mouse.move(900, 700)
        self.page.wait_for_function(
            "([panel, width]) => Math.abs(panel.offsetWidth - width) < 4", arg=[self.panel.element_handle(), pixels]
        )

    def shown(self, state):
        """The element that a state's picture shows."""
        if state.outside:
            return self.page.locator(state.outside)
        return self.panel.locator(state.part) if state.part else self.panel

    def picture(self, state):
        """PNG of what the state shows: of the panel as far as something is drawn in it, of the status bar its beginning."""
        box = self.shown(state).bounding_box()
        if self.shown(state) == self.panel:
            box["height"] = self.panel.evaluate(BOTTOM) - box["y"]
        return self.page.screenshot(clip=box | {"width": min(box["width"], WIDEST)})

    def too_wide(self):
        """What leaves the panel at its right edge."""
        return self.panel.evaluate(TOO_WIDE)

    def press(self, name):
        self.panel.get_by_role("button", name=name, exact=True).first.click()

    def history(self):
        """The loads of a working day, the latest first."""
        train, evaluated, baseline = (self.notebooks[name] for name in ("train.ipynb", "eval.ipynb", OLD))
        allowed = {"outcome": "allowed", "scope": "once", "by": "ada", "transport": "card"}
        kept = {"outcome": "blocked", "by": "ada", "transport": "card"}
        forbidden = {"outcome": "blocked", "by": None, "transport": "policy"}
        silent = {"outcome": "loaded", "by": None, "transport": None}
        told = [
            ("yolo.pt", YOLO, train, "runs_code", allowed),
            ("weights_final.pkl", "/home/ada/downloads/weights_final.pkl", train, "dangerous", kept),
            ("yolo.pt", YOLO, train, "runs_code", kept | {"reason": "instead: Take only the weights"}),
            ("annual_report\u202ekcehc.final.pt", "/home/ada/inbox/annual_report.pt", train, "uninspected", kept),
            ("acme/chat-7b", f"hf:acme/chat-7b@{'a91d07c4' * 5}", evaluated, "forbidden", forbidden),
            ("my_run_17.pt", "/home/ada/runs/my_run_17.pt", evaluated, "data_only", silent | {"count": 6}),
            *(
                (f"fold-{number}.joblib", f"/data/folds/fold-{number}.joblib", baseline, "data_only", silent)
                for number in range(2)
            ),
        ]
        return [
            row(1 + 17 * at, name=name, source=source, notebook=notebook, level=level, **outcome)
            for at, (name, source, notebook, level, outcome) in enumerate(told)
        ]

    def waiting(self):
        """Two loads that wait."""
        first = approval(1, "runs-code", notebook=self.notebooks["train.ipynb"], cell_id="cell-0")
        second = approval(2, "uninspected", notebook=self.notebooks["eval.ipynb"], execution_count=3, line=1)
        return [first, second | {"asked": time.time() - 190}]


@dataclass(frozen=True)
class State:
    """How the panel comes into it, and what it says then; its picture shows all of the panel, a part of it, or something outside of it."""

    prepare: Callable
    says: str
    part: str | None = None
    outside: str | None = None


def _checks(stage):
    stage.server.rows = stage.history()
    stage.look()


def _few(stage):
    stage.server.rows = stage.history()[:2]
    stage.look()


def _waiting(stage):
    stage.server.approvals = stage.waiting()
    stage.front("waiting")
    _few(stage)


def _card(stage):
    _waiting(stage)
    stage.press("Review: yolo.pt")


def _not_open(stage):
    stage.server.approvals = [stage.waiting()[0] | {"notebook": "/elsewhere/train.ipynb", "cell_id": "not-here"}]
    stage.front("guarded", "eval.ipynb")
    stage.look()
    stage.press("Review: yolo.pt")
    stage.press("Take only the weights")
    stage.press("Put it in a new cell and keep this load blocked")


def _stopped(stage):
    first, second = stage.waiting()
    stage.server.approvals = [first | {"waiting": False, "asked": time.time() - 1_450}, second]
    _few(stage)


def _record(stage):
    _checks(stage)
    stage.panel.locator(".mg-item", has_text="weights_final.pkl").click()


def _question(stage):
    _record(stage)
    stage.press("Delete this record")


def _no_match(stage):
    _checks(stage)
    stage.panel.locator(".mg-fchip[data-level=danger]").click()
    stage.panel.get_by_role("searchbox").fill("keras")


def _nothing_here(stage):
    stage.server.rows = [one for one in stage.history() if "train" not in one["notebook"]]
    stage.look()
    stage.press("This notebook")


def _not_guarded(stage):
    stage.front("unguarded")
    stage.look()


def _why(stage):
    _not_guarded(stage)
    stage.press("Why?")


def _no_notebook(stage):
    stage.front("unknown", None)
    _few(stage)


def _unknown(stage):
    stage.front("unknown", place=None)
    _few(stage)


def _elsewhere(stage):
    stage.front("guarded", place="fedcba9876543210")
    _few(stage)


def _export(stage):
    _few(stage)
    stage.press("Export")


def _read_only(stage):
    stage.server.may_decide = False
    stage.page.evaluate(UNKNOWN)
    stage.server.approvals = stage.waiting()
    _few(stage)


def _unreachable(stage):
    _few(stage)
    stage.panel.locator(".mg-item").first.wait_for()
    stage.server.down = True
    stage.look()


def _refused(stage):
    stage.server.refuses = True
    stage.page.evaluate(UNKNOWN)
    stage.look()


def _out_of_order(stage):
    stage.server.problem = "The history is in use by something else. It is tried again in half a minute."
    stage.page.evaluate(UNKNOWN)
    _few(stage)


def _absent(stage):
    stage.server.absent = True
    stage.page.evaluate(UNKNOWN)
    stage.look()


def _said(stage):
    _few(stage)
    stage.page.evaluate(f"{PANEL}.notes.say('A cell with the demo was put below. Run it when you like.')")


def _shield(state, waiting=0):
    return lambda stage: stage.page.evaluate(SHIELD, [state, waiting])


_BAR = "#jp-main-statusbar"
STATES = {
    "checks": State(_checks, "train.ipynb is guarded"),
    "waiting": State(_waiting, "Waiting for you"),
    "card": State(_card, "Python would call, while reading the file", ".mg-pend"),
    "card-not-open": State(_not_open, "The notebook is not open here", ".mg-reviewed"),
    "stopped": State(_stopped, "The cell has stopped"),
    "record": State(_record, "What it would have run"),
    "question": State(_question, "It is removed from the history for good", outside=".jp-Dialog-content"),
    "no-match": State(_no_match, "No check matches"),
    "nothing-here": State(_nothing_here, "Nothing recorded for this notebook"),
    "nothing-yet": State(lambda stage: stage.look(), "No model loads checked yet"),
    "not-guarded": State(_not_guarded, "train.ipynb is not guarded"),
    "why": State(_why, "Many model files are small programs"),
    "unknown": State(_unknown, "has not said yet"),
    "no-notebook": State(_no_notebook, "No Python notebook selected"),
    "elsewhere": State(_elsewhere, "keeps its history in another place"),
    "export": State(_export, "CycloneDX"),
    "said": State(_said, "A cell with the demo was put below"),
    "read-only": State(_read_only, "Open cell"),
    "unreachable": State(_unreachable, "Cannot reach the Jupyter server"),
    "refused": State(_refused, "The server refused"),
    "out-of-order": State(_out_of_order, "The history cannot be used now"),
    "absent": State(_absent, "The history is not available on this server"),
    "shield-guarded": State(_shield("guarded"), "Guarded", outside=_BAR),
    "shield-not-guarded": State(_shield("unguarded"), "Not guarded", outside=_BAR),
    "shield-unknown": State(_shield("unknown"), "Guard unknown", outside=_BAR),
    "shield-waiting": State(_shield("waiting", 1), "1 load waiting", outside=_BAR),
}
