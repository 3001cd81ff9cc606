"""The workflows do what this checkout has, with no more rights than each job needs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.release.lock import ROOT

FOLDER = ROOT / ".github/workflows"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}
RELEASE = WORKFLOWS["release.yml"]["jobs"]

SIGNING = {"id-token", "attestations"}
#: What a job may write; all that is not here writes nothing.
WRITES = {
    ("release.yml", "image"): {"packages"},
    ("release.yml", "publish-image"): {"packages", *SIGNING},
    ("release.yml", "publish-chart"): {"packages", *SIGNING},
    ("release.yml", "attest-packages"): SIGNING,
    ("release.yml", "publish-pypi"): {"id-token"},
    ("release.yml", "publish-npm"): {"id-token"},
    ("release.yml", "release"): {"contents"},
}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, workflow in WORKFLOWS.items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for file, name, job in jobs():
        for step in job.get("steps", ()):
            yield f"{file}: {name}", step


def scripts() -> Iterator[tuple[str, str]]:
    for place, step in steps():
        if "run" in step:
            yield place, step["run"]


def before(job: str) -> set[str]:
    """The jobs that have to succeed before one of the release."""
    needs = RELEASE[job].get("needs", [])
    named = {needs} if isinstance(needs, str) else set(needs)
    return named.union(*map(before, named))


def test_a_release_begins_with_a_tag_and_with_nothing_else() -> None:
    # YAML reads the key `on` as true.
    assert WORKFLOWS["release.yml"][True] == {"push": {"tags": ["v*"]}}


def test_each_job_has_its_own_rights_and_no_more() -> None:
    for file, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {}, f"{file}: a job that names none would have these"
    for file, name, job in jobs():
        writes = {right for right, level in job["permissions"].items() if level == "write"}
        assert writes == WRITES.get((file, name), set()), f"{file}: {name}"
        assert set(job["permissions"].values()) <= {"read", "write"}, f"{file}: {name}"


def test_a_job_that_may_sign_or_publish_runs_no_code_of_the_checkout() -> None:
    allowed = {"publish-chart"}  # It packages the chart's files, which are not run.
    for file, name, job in jobs():
        writes = WRITES.get((file, name), set())
        if writes & {"id-token", "contents"} and name not in allowed:
            assert not any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"]), name


def test_every_action_is_pinned_to_a_commit() -> None:
    lines = [line for path in FOLDER.glob("*.yml") for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        own = re.fullmatch(r"\s+uses: \./\.github/workflows/\S+", line)
        assert own or re.fullmatch(r"\s+(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_is_the_same_everywhere() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    assert len(used) == len({name.partition("@")[0] for name in used})


def test_no_checkout_leaves_its_token_behind() -> None:
    for place, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}, place


def test_nothing_is_put_into_a_script_but_by_the_environment() -> None:
    for place, script in scripts():
        assert "${{" not in script, f"{place}: what it stands for would be run"


def test_scripts_are_shell() -> None:
    for place, script in scripts():
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{place}: {done.stderr}"


def test_every_script_runs_what_is_in_the_checkout() -> None:
    makefile = (ROOT / "Makefile").read_text()
    found: set[str] = set()
    for place, script in scripts():
        for target in re.findall(r"(?m)^\s*make (\S+)", script):
            assert re.search(rf"(?m)^{re.escape(target)}:", makefile), f"{place}: no target {target}"
            found.add(target)
        for module in re.findall(r"python -m (\S+)", script):
            assert importlib.util.find_spec(module), f"{place}: no module {module}"
            found.add(module)
        for path in re.findall(r"(?<![\w./])(?:deploy|tests|\.ci)/[\w./-]*\w", script):
            # The chart is a part of its own, which a release without it would miss.
            if path != "deploy/helm/kubedom" or (ROOT / "deploy/helm").exists():
                assert (ROOT / path).exists(), f"{place}: no {path}"
            found.add(path)
    assert {"dist", "tests.release.versions", "tests.release.sbom", ".ci/run", "deploy/image/Containerfile"} <= found


def test_every_job_that_is_waited_for_is_there() -> None:
    for file, name, job in jobs():
        needs = job.get("needs", [])
        for needed in [needs] if isinstance(needs, str) else needs:
            assert needed in WORKFLOWS[file]["jobs"], f"{file}: {name} needs {needed}"


@pytest.mark.parametrize("job", ["packages", "image"])
def test_nothing_is_made_before_the_versions_and_the_tests(job: str) -> None:
    assert {"versions", "test"} <= before(job)


@pytest.mark.parametrize("job", ["publish-pypi", "publish-npm"])
def test_what_cannot_be_taken_back_is_published_last(job: str) -> None:
    assert {"packages", "attest-packages", "image", "publish-image", "publish-chart"} <= before(job)
    assert RELEASE[job]["environment"] in job


def test_the_image_is_built_for_both_architectures() -> None:
    built = RELEASE["image"]["strategy"]["matrix"]["include"]
    assert {each["arch"] for each in built} == {"amd64", "arm64"}
    text = (FOLDER / "release.yml").read_text()
    for each in built:
        assert f"sbom-path: image/kubedom-image-{each['arch']}.cdx.json" in text


def test_bases_are_pinned_by_digest() -> None:
    text = (ROOT / "deploy/image/Containerfile").read_text()
    bases = re.findall(r"(?m)^ARG (?:BUILDER|BASE)=(\S+)$", text)
    assert len(bases) == 2
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", base) for base in bases)
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"${BUILDER}", "${BASE}"}
