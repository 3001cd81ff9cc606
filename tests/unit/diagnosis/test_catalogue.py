import inspect
import re
from pathlib import Path

from kubedom_operator.diagnosis import CATALOGUE, catalogue_page

ROOT = Path(__file__).parents[3]


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "failures.md").read_text(encoding="utf-8") == catalogue_page.render()
    assert (ROOT / "web" / "failures.d.ts").read_text(encoding="utf-8") == catalogue_page.render_types()


def test_every_kind_says_what_people_need() -> None:
    for name, kind in CATALOGUE.items():
        assert kind.name == name
        assert re.fullmatch(r"[a-z][A-Za-z]+", kind.event), name
        assert bool(kind.recovery_event) != kind.edge, name
        assert kind.rule.endswith("."), name
        assert kind.next_step.endswith("."), name


def test_events_of_different_families_differ_but_for_podfailed() -> None:
    families: dict[str, set[str]] = {}
    for kind in CATALOGUE.values():
        families.setdefault(kind.event, set()).add(kind.family)
    assert [event for event, found in families.items() if len(found) > 1] == ["podFailed"]


def test_the_page_module_can_be_run() -> None:
    assert "docs/failures.md" in inspect.getsource(catalogue_page.main)
