"""The custom elements manifest says what the modules do."""

import json
import re
from typing import Any

import jsonschema
import pytest
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import WEB, Json, ScriptedBridge, deployment, event, pod
from tests.browser.web_tools import web_tools

MANIFEST: Json = json.loads((WEB / "custom-elements.json").read_text())
DECLARED: dict[str, Json] = {each["name"]: each for module in MANIFEST["modules"] for each in module["declarations"]}
WIDGETS = [
    name for name, each in DECLARED.items() if each.get("tagName") and each["superclass"]["name"] == "KubeWidget"
]
# What else makes parts of a widget.
MAKERS = {"KubeButton": ["confirmation.js"], "KubeModal": ["filling.js"]}


def source(name: str) -> str:
    files = [f"{name.removeprefix('Kube').lower()}.js", *MAKERS.get(name, [])]
    return "\n".join((WEB / "widgets" / file).read_text() for file in files)


def names(declaration: Json, what: str) -> set[str]:
    return {each["name"] for each in declaration.get(what, [])}


def inherited(name: str, what: str) -> set[str]:
    """With what the classes above declare."""
    found: set[str] = set()
    while name in DECLARED:
        found |= names(DECLARED[name], what)
        name = DECLARED[name]["superclass"]["name"]
    return found


async def test_it_is_valid() -> None:
    schema = json.loads((web_tools() / "node_modules/custom-elements-manifest/schema.json").read_text())
    jsonschema.validate(MANIFEST, schema)
    assert MANIFEST["schemaVersion"].startswith("2.")


@pytest.mark.parametrize("module", MANIFEST["modules"], ids=lambda module: str(module["path"]))
async def test_classes_tags_and_members_are_those_of_the_module(
    bridge: ScriptedBridge, open_page: Open, module: Json
) -> None:
    bridge.pages["/look.js"] = (
        f"import * as module from './{module['path']}'; import './widgets.js'; window.module = module;"
    )
    bridge.pages["/look.html"] = (
        "<!doctype html><kube-cluster></kube-cluster><script type=module src=/look.js></script>"
    )
    page, _ = await open_page(path="/look.html")
    found: dict[str, Any] = await page.page.evaluate(
        """() => Object.fromEntries(Object.entries(module)
          .filter(([, each]) => each.prototype instanceof HTMLElement)
          .map(([name, each]) => [name, {
            above: Object.getPrototypeOf(each).name,
            tag: customElements.getName(each),
            observed: each.observedAttributes ?? [],
            members: Object.getOwnPropertyNames(each.prototype),
          }]))"""
    )
    own = {each["name"]: each for each in module["declarations"]}
    assert found.keys() == own.keys()
    assert {each["name"] for each in module["exports"] if each["kind"] == "js"} == own.keys()
    tags = {each["name"]: each["declaration"]["name"] for each in module["exports"] if "custom" in each["kind"]}
    assert tags == {each["tag"]: name for name, each in found.items() if each["tag"]}
    for name, each in found.items():
        assert own[name].get("tagName") == each["tag"], name
        assert own[name]["superclass"]["name"] == each["above"], name
        assert set(each["observed"]) <= names(own[name], "attributes"), name
        # The widgets' own seam, and what the platform calls.
        members = {one for one in each["members"] if not re.search("^(constructor|begin|restart)$|Callback$", one)}
        assert members == names(own[name], "members"), name


async def test_the_elements_of_a_cluster_have_the_attributes_that_are_listed(open_page: Open) -> None:
    kinds = ("StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Node", "Namespace")
    others = [
        {
            **deployment(kind.lower()),
            "kind": kind,
            "uid": kind,
            "object": {
                "metadata": {"name": kind.lower(), "namespace": "" if kind in {"Node", "Namespace"} else "default"},
                "spec": {"schedule": "@daily"},
                "status": {"phase": "Active"},
            },
        }
        for kind in kinds
    ]
    page, peer = await open_page(
        deployment("d"), pod("p", workload="d"), *others, incidents=(event("podFailed", "p", 5),)
    )
    await peer.send({"type": "heartbeat", "head": 10, "lag": 3})
    await page.until("document.querySelector('kube-cluster').hasAttribute('lag')")
    found: dict[str, list[str]] = await page.page.evaluate(
        """() => { const found = {};
          for (const each of document.querySelectorAll('kube-cluster, kube-cluster *'))
            found[each.constructor.name] = [...found[each.constructor.name] ?? [], ...each.getAttributeNames()];
          return found; }"""
    )
    assert found.keys() == {name for name, each in DECLARED.items() if each.get("tagName")} - set(WIDGETS)
    for name, attributes in found.items():
        assert set(attributes) - {"hidden"} <= inherited(name, "attributes"), name
    # And none is listed that no element ever has.
    listed = {one for name in found for one in inherited(name, "attributes")}
    assert listed - {one for each in found.values() for one in each} == {
        *("src", "namespaces", "kinds", "default-deployment"),
    }


@pytest.mark.parametrize("name", WIDGETS)
async def test_parts_slots_and_attributes_of_a_widget_are_those_of_its_source(name: str) -> None:
    text, declared = source(name), DECLARED[name]
    assert set(re.findall(r"part: '([\w-]+)'", text)) == names(declared, "cssParts")
    slots = re.findall(r"html\('slot'(?:, \{ name: '(\w+)' \})?", text)
    assert set(slots) == names(declared, "slots")
    observed = re.search(r"observedAttributes = \[(.+)\]", text)
    assert observed
    read = {*re.findall(r"'([\w-]+)'", observed[1]), *re.findall(r"this\.(?:get|has)Attribute\('([\w-]+)'\)", text)}
    written = {*re.findall(r"setAttribute\(this, '([\w-]+)'", text)}
    for reflected in re.findall(r"reflect\(this, \{([^}]*)\}", text):
        written |= {*re.findall(r"(?:^|, ?| )(\w+)(?=[:, }])", reflected)} & {"state", "status"}
    assert names(declared, "attributes") == read | written


async def test_custom_properties_are_those_of_the_style_sheets() -> None:
    look = (WEB / "widgets" / "look.js").read_text()
    assert set(re.findall(r"var\((--kube-\w+)", look)) == names(DECLARED["KubeWidget"], "cssProperties")


@pytest.mark.parametrize("name", DECLARED)
async def test_events_are_dispatched_or_declared(name: str) -> None:
    types = (WEB / "index.d.ts").read_text() + (WEB / "widgets" / "index.d.ts").read_text()
    for each in names(DECLARED[name], "events"):
        assert f"'{each}': " in types
