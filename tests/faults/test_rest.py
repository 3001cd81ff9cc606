"""The REST part under schemathesis, which makes requests of its description, wrong ones too, and judges the answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .attacking import ROOT, Attacked

DESCRIPTION = ROOT / "bridge" / "kubedom_bridge" / "openapi.json"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 60


def test_every_answer_is_as_described_and_none_is_a_failure_of_the_bridge(
    attacked_by_token: Attacked, tmp_path: Path
) -> None:
    paths = json.loads(DESCRIPTION.read_text())["paths"]
    operations = [operation for item in paths.values() for operation in item.values()]
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={CONFIGURATION}",
        "run",
        str(DESCRIPTION),
        f"--url=http://127.0.0.1:{attacked_by_token.port}",
        f"--max-examples={EXAMPLES}",
        "--generation-deterministic",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # What it could not reach is no success.
    assert f"Tested: {len(operations)}" in done.stdout
    assert attacked_by_token.serves()
