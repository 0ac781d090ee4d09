"""A page that draws the built card without a kernel, and what tests do with what it draws."""

import os
from pathlib import Path

import pytest

import jupyter_modelguard

STATIC = Path(jupyter_modelguard.__file__).parent / "approval" / "static"
THEMES = ["light", "dark", "hc"]
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A notebook</title><link rel="stylesheet" href="card.css">
<style>body { margin: 0; padding: 8px; background: var(--jp-layout-color1); color: var(--jp-ui-font-color1);
  font-family: var(--jp-ui-font-family) }</style></head>
<body><main><h1>A notebook</h1><h2>A cell</h2><button id="before">Before</button><div class="jp-Cell"><div id="card"></div></div>
<button id="after">After</button></main><script type="module">
import widget from './card.js';
let close = () => undefined;
const model = traits => {
  const listeners = {};
  return {
    get: name => traits[name],
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    off: (event, listener) => listeners[event]?.delete(listener),
    send: message => window.sent.push(message)
  };
};
const place = document.getElementById('card');
window.showAll = all => {
  close();
  window.sent = [];
  place.replaceChildren(...all.map(() => document.createElement('div')));
  const closers = all.map((traits, number) => widget.render({ model: model(traits), el: place.children[number] }));
  close = () => closers.forEach(one => one());
};
window.show = traits => window.showAll([traits]);
window.ready = true;
</script></body></html>"""


def open_everything(card):
    """Press whatever opens something, until nothing is left that was not pressed."""
    card.evaluate(
        """card => {
          for (let round = 0; round < 5; round++) {
            card.querySelectorAll('[aria-expanded=false]').forEach(one => { if (one.offsetParent !== null) one.click(); });
          }
        }"""
    )


def picture(stage, name):
    if folder := os.environ.get("MODELGUARD_SCREENSHOTS"):
        stage.locator("#card").screenshot(path=f"{folder}/{name}.png")


def violations(page, context="#card"):
    """What axe finds there, with none of its rules switched off."""
    if not page.evaluate("typeof window.axe === 'object'"):
        axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
        page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text() + "; undefined")
    found = page.evaluate("context => axe.run(context, {resultTypes: ['violations']})", context)["violations"]
    return [f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]]
