"""A server's answers for the panel, made up in the page: every state of it without having to bring a server into that state."""

import json
import re
import time
from urllib.parse import parse_qs, urlparse

from card_states import VIEWS

from jupyter_modelguard.approval.present import plain_view

PLACE = "0123456789abcdef"
LEVELS = ["runs_code", "dangerous", "forbidden", "uninspected", "data_only"]


def row(at, **values):
    """One record of the list; `at` counts back from now."""
    return {
        "id": f"{at:08x}",
        "session": "s1",
        "at": time.time() - 60 * at,
        "name": f"model-{at}.pkl",
        "source": f"/data/models/model-{at}.pkl",
        "loader": "pickle.load",
        "call": "pickle.load(file)",
        "notebook": "/elsewhere/train.ipynb",
        "cell_id": None,
        "execution_count": 3,
        "line": 2,
        "level": LEVELS[at % len(LEVELS)],
        "outcome": "blocked" if at % 2 else "loaded",
        "by": "ada" if at % 2 else None,
        "reason": None,
        "scope": None,
        "transport": "card" if at % 2 else None,
        "count": 1,
        "size": 1000,
        "seconds": 0.01,
    } | values


def plain(view):
    return json.loads(json.dumps(plain_view(VIEWS[view])))


def approval(at, view, **values):
    return {
        "id": f"a{at:07x}",
        "session": "s1",
        "asked": time.time() - 42,
        "waiting": True,
        "view": plain(view),
        "notebook": "/elsewhere/train.ipynb",
        "cell_id": None,
        "execution_count": 7,
        "line": 3,
    } | values


class MadeUpServer:
    """Answers what the panel asks for, from `rows` and `approvals`; `down` and `absent` say how it does not."""

    def __init__(self, page):
        self.rows, self.approvals = [], []
        self.down = self.absent = False
        self.may_decide = True
        self.decided = []
        self.asked = []
        # the files of the extension itself come from the server
        page.route(re.compile(r"(?<!extensions)/jupyter-modelguard/"), self.answer)

    def answer(self, route):
        url = urlparse(route.request.url)
        self.asked.append(url.path.rpartition("/jupyter-modelguard/")[2] + ("?" + url.query if url.query else ""))
        if self.down:
            route.abort("connectionrefused")
        elif self.absent:
            route.fulfill(status=404, body="<html>404</html>", content_type="text/html")
        else:
            status, body = self.say(route.request, url.path.rpartition("/jupyter-modelguard/")[2], parse_qs(url.query))
            route.fulfill(status=status, json=body)

    def say(self, request, path, query):
        if path == "status":
            return 200, {
                "version": "1",
                "place": PLACE,
                "user": "ada",
                "may_decide": self.may_decide,
                "problem": None,
                "kept_days": 90,
                "database": "sqlite",
            }
        if path == "approvals":
            return 200, {"approvals": self.approvals}
        if path == "sessions":
            return 200, {"sessions": []}
        if path == "notebooks":
            return 200, self.notebooks(query)
        if path == "scans":
            found = [one for one in self.matching(query) if self.leveled(one, query)]
            start = int(query["offset"][0])
            return 200, {"total": len(found), "rows": found[start : start + int(query["limit"][0])]}
        if path.startswith("approvals/"):
            self.decided.append((path, json.loads(request.post_data)))
            self.approvals = [one for one in self.approvals if not path.endswith(one["id"])]
            return 200, {"decided": True, "allow": False, "by": "ada"}
        return self.record(request, path)

    def record(self, request, path):
        found = next((one for one in self.rows if path.endswith(f"{one['session']}/{one['id']}")), None)
        if found is None:
            return 404, {"message": "There is no such record.", "next": "Look at the list again."}
        if request.method == "DELETE":
            self.rows.remove(found)
            return 200, {"deleted": 1}
        view = plain("dangerous")
        return 200, {
            "row": found,
            "record": {},
            "findings": [
                {
                    "rule": "pickle-dangerous-global",
                    "severity": "critical",
                    "title": "Runs a command",
                    "location": "byte 41",
                    "code": "",
                }
            ],
            "facts": [
                {"label": "Call", "text": found["call"]},
                {"label": "Checked", "text": "1 of 1 streams · not checked: nothing"},
            ],
            "listings": view["listings"][:1],
            "trail": [
                {"what": "Stopped, 1 finding", "at": found["at"], "by": "modelguard", "how": ""},
                {"what": "Kept blocked", "at": found["at"] + 20, "by": "ada", "how": "in the card"},
            ],
            "trusted": "t1",
        }

    def matching(self, query):
        text, notebook = query.get("text", [""])[0], query.get("notebook")
        return [one for one in self.rows if text in one["name"] and (notebook is None or one["notebook"] == notebook[0])]

    def leveled(self, one, query):
        return "level" not in query or one["level"] in query["level"]

    def notebooks(self, query):
        matching = self.matching(query)
        shown = [one for one in matching if self.leveled(one, query)]
        names = list(dict.fromkeys(one["notebook"] for one in shown))
        return {
            "total": len(shown),
            "all": len(self.rows),
            "stopped": sum(one["outcome"] == "blocked" for one in shown),
            "levels": {level: sum(one["level"] == level for one in matching) for level in LEVELS},
            "notebooks": [
                {"notebook": name, "count": sum(one["notebook"] == name for one in shown), "latest": time.time()}
                for name in names
            ],
        }


def open_panel(page):
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('modelguard:open-panel')")
    page.evaluate("window.jupyterapp.restored.then(() => window.jupyterapp.commands.execute('modelguard:open-panel'))")
    panel = page.locator("#jupyter-modelguard-panel")
    panel.locator(".mg-top h3").wait_for()
    return panel


def look_again(page):
    page.evaluate("window.jupyterapp.commands.execute('modelguard:refresh')")


def kernel_answers(panel):
    """Wait until the panel says what the kernel said of itself: before there is a kernel, front ends call it idle and drop what is run."""
    panel.get_by_role("heading", name=re.compile("is (not )?guarded$")).wait_for(timeout=90_000)
