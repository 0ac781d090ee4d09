"""The notebook in front of a JupyterLab: when its kernel is ready, and having it run."""

__all__ = ["idle", "run_all"]

# What the status bar calls idle can be a notebook that has no kernel yet: what is run then is dropped without a word.
READY = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""


def idle(page):
    """Wait until its kernel is there and has nothing to do."""
    page.wait_for_function(READY, timeout=90_000)


def run_all(page):
    """Run all its cells, as soon as there is a kernel for them."""
    page.locator(".jp-Notebook .jp-Cell").nth(0).wait_for()
    idle(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
