"""The folder `operator/` never hides the standard library's module of that name."""

from __future__ import annotations

import operator
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_operator_is_the_standard_librarys() -> None:
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_it_is_also_where_python_is_started_in_the_checkout() -> None:
    ask = "import operator, kubedom_operator; print(operator.__file__)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).parent == Path(sysconfig.get_path("stdlib"))


def test_the_folder_is_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
