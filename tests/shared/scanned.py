"""What a scan says of a file, in the words that tests compare."""

from jupyter_modelguard.engines.scanner import scan_file
from jupyter_modelguard.policy.evaluate import evaluate


def level(path):
    """Give the level of risk of a file."""
    return evaluate(scan_file(str(path))).level


def rules(path):
    """Give the rules of its findings."""
    return {finding.rule for finding in scan_file(str(path)).findings}


def missed(path):
    """Give what was not inspected of it."""
    return " ".join(scan_file(str(path)).coverage.missed)
