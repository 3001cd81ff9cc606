"""Writes what deploy/crds/healingpolicies.yaml has from the catalogues: `python -m kubedom_operator.policy.crd`.

Between `# generated: NAME` and `# end` stand the failures that a policy can name, the actions that it can take, and the
rules that refuse what makes no sense: an action without the parameters that it needs, and a restart against a failure
that no restart mends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS
from kubedom_operator.diagnosis import CATALOGUE

from .decide import FUTILE, RESTARTS

PATH = Path("deploy/crds/healingpolicies.yaml")
_SECTION = re.compile(r"(?m)^( *)# generated: (\w+)\n(?:.*\n)*?\1# end\n")


def failures() -> list[str]:
    """Every failure that a policy can be for: of objects that actions act on, and that last."""
    namespaced = {name for name, kind in TARGETS.items() if kind.namespaced}
    return [kind.name for kind in CATALOGUE.values() if kind.resource in namespaced and not kind.edge]


def actions() -> list[str]:
    """Every action that a policy can take: those on objects of its own namespace."""
    return [kind.name for kind in ACTION_KINDS.values() if all(TARGETS[each].namespaced for each in kind.targets)]


def render(text: str) -> str:
    """The CRD's text with every generated section written anew."""
    sections: Mapping[str, Callable[[], list[str]]] = {
        "failures": lambda: _enum(failures()),
        "actions": lambda: _enum(actions()),
        "rules": lambda: [*_parameters(), *_restarts()],
    }

    def section(found: re.Match[str]) -> str:
        indent, name = found[1], found[2]
        lines = [f"# generated: {name}", *sections[name](), "# end"]
        return "".join(f"{indent}{line}\n" for line in lines)

    return _SECTION.sub(section, text)


def _enum(names: list[str]) -> list[str]:
    return ["enum:", *(f"  - {name}" for name in names)]


def _restarts() -> list[str]:
    taken = _list(sorted(RESTARTS))
    named = [name for name in failures() if name in FUTILE]
    return [
        "- rule: >-",
        f"    !(has(self.action) && self.action in {taken}",
        f"    || has(self.steps) && self.steps.exists(s, s.action in {taken}))",
        f"    || !self.failures.exists(f, f in {_list(named)})",
        "  messageExpression: >-",
        "    'A restart cannot mend ' + {",
        *(f"    '{name}': '{name}. {FUTILE[name]}'," for name in named),
        f"    }}[self.failures.filter(f, f in {_list(named)})[0]] + ' Name another action.'",
        "  message: A restart cannot mend one of these failures. Name another action.",
        "  fieldPath: .failures",
    ]


def _parameters() -> list[str]:
    return [
        line
        for name in actions()
        for needed in ACTION_KINDS[name].required
        for line in (
            "- rule: >-",
            f"    (!has(self.action) || self.action != '{name}'",
            f"    || has(self.parameters) && has(self.parameters.{needed}))",
            f"    && (!has(self.steps) || self.steps.all(s, s.action != '{name}'",
            f"    || has(s.parameters) && has(s.parameters.{needed})))",
            f"  message: {name} needs the parameter {needed}.",
        )
    ]


def _list(names: list[str]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def main() -> None:
    """Write it."""
    PATH.write_text(render(PATH.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
