"""What is seen of `kansci fit` on a real terminal, and that elsewhere nothing of it appears."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from kansci_cli.app import app
from typer.testing import CliRunner

from kansci.storage import open_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HEADER = "stage step grid loss held-out live edges training elapsed"
ROW = re.compile(r"(\w+) +(\d+) +(\d+) +(\S+) +(\S+) +(\d+) of (\d+) +(\d+) +\d+ s")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    file = tmp_path_factory.mktemp("data") / "table.csv"
    pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": np.exp(X[:, 0]) * X[:, 1]}).to_csv(file, index=False)
    return file


class Terminal:
    """A process whose stderr is a pseudo-terminal and whose stdout is a pipe."""

    def __init__(self, *arguments):
        self._master, slave = os.openpty()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "CI"):
            environment.pop(name, None)
        command = [sys.executable, "-m", "kansci_cli", *map(str, arguments)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        self._shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def text(self):
        """All that was written to the terminal so far."""
        return self._shown.decode()

    def _read(self):
        try:
            while part := os.read(self._master, 4096):
                self._shown += part
        except OSError:  # what Linux says when the other side is closed
            pass

    def finish(self):
        """Wait for the end and give stdout."""
        stdout = self.process.communicate(timeout=120)[0].decode()
        self._reader.join()
        os.close(self._master)
        return stdout


def options(table, out, *more):
    small = ["--width", "2,2,1", "--restarts", "4", "--steps", "12", "--grid", "3,6", "--json"]
    return ["fit", table, "--target", "y", "--out", out, *small, *more]


def test_a_terminal_follows_steps_loss_validation_grid_and_sparsity(table, tmp_path):
    terminal = Terminal(*options(table, tmp_path / "run"))
    record = json.loads(terminal.finish())
    assert terminal.process.returncode == 0
    text = ESCAPE.sub("", terminal.text)
    assert HEADER in " ".join(text.split())
    rows = ROW.findall(text)
    assert rows
    history = open_run(tmp_path / "run").history()
    known = {(r["stage"], r["grid"], f"{r['train_rmse']:.3g}", f"{r['held_out_rmse']:.3g}") for r in history}
    for stage, step, grid, loss, held_out, live, edges, active in rows:
        assert (stage, int(grid), loss, held_out) in known
        assert 1 <= int(step) <= 24
        assert record["edges"] <= int(edges) <= 6
        assert 1 <= int(live) <= int(edges)
        assert 0 <= int(active) <= 4
    assert terminal.text.rstrip().endswith("\x1b[2K")  # the table is wiped away
    assert terminal.text.rfind("\x1b[?25h") > terminal.text.rfind("\x1b[?25l")  # and the cursor is back


def test_without_a_terminal_only_plain_lines_appear(table, tmp_path):
    arguments = options(table, tmp_path / "run", "--seconds", "0")
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert json.loads(result.stdout)["complete"] is False
    assert result.stderr == "the time was up: go on with --resume\n"


@pytest.mark.parametrize("more", [[], ["--opt", "LBFGS", "--grid", "3"]])
def test_ctrl_c_at_a_terminal_gives_the_best_so_far(more, table, tmp_path):
    out = tmp_path / "run"
    terminal = Terminal(*options(table, out, *more, "--steps", "100000", "--seconds", "100"))
    while len(ROW.findall(ESCAPE.sub("", terminal.text))) < 2 and terminal.process.poll() is None:
        threading.Event().wait(0.02)
    terminal.process.send_signal(signal.SIGINT)
    record = json.loads(terminal.finish())
    assert terminal.process.returncode == 130
    assert record["interrupted"] is True
    assert terminal.text.rfind("\x1b[?25h") > terminal.text.rfind("\x1b[?25l")
    text = ESCAPE.sub("", terminal.text)
    assert "Traceback" not in text
    assert "go on with --resume" in text
    run = open_run(out)
    rows = run.dataset()
    error = np.sqrt(np.mean((run.model().predict(rows.X)[:, 0] - rows.y) ** 2))
    assert error < 0.5 * rows.y.std()
