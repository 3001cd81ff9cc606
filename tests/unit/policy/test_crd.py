"""The CRD names what the catalogues have, and nothing that a policy cannot do."""

from __future__ import annotations

from pathlib import Path

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_operator.diagnosis import CATALOGUE
from kubedom_operator.policy import crd
from kubedom_operator.policy.decide import FUTILE, RESTARTS

ROOT = Path(__file__).parents[3]


def test_the_crd_is_current() -> None:
    text = (ROOT / crd.PATH).read_text(encoding="utf-8")
    assert crd.render(text) == text
    assert crd.render(text.replace("- ImagePull\n", "- Nonsense\n")) == text


def test_nodes_are_no_matter_of_a_namespace() -> None:
    assert {"cordon", "drain"}.isdisjoint(crd.actions())
    assert {"NodeNotReady", "PVCPending", "ContainerRestarted"}.isdisjoint(crd.failures())


def test_a_restart_against_image_config_and_scheduling_is_futile_and_against_crashes_is_not() -> None:
    assert {"ImagePull", "ContainerConfig", "Unschedulable", "VolumeMount"} <= FUTILE.keys()
    assert not {"ContainerCrashLoop", "LivenessKilled", "NotReady"} & FUTILE.keys()
    assert not [kind.name for kind in CATALOGUE.values() if kind.restart_helps and kind.restart_futile]
    assert ACTION_KINDS.keys() >= RESTARTS
