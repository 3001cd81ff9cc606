"""JSON Schemas for kubeconform, made from what an API server says of its own kinds.

In: the cluster's OpenAPI v3, its CustomResourceDefinitions included. Out: a file for each kind and version, strict: a
field that no schema has is an error. So nothing is downloaded, and the schemas are those of the server that is tested.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import Cluster
from tests.running import wait_for

#: Where kubeconform finds a kind's schema within the folder.
LOCATION = "{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json"


def write(cluster: Cluster, folder: Path) -> str:
    """Write every kind's schema into the folder, and return what kubeconform is given as its `-schema-location`."""
    served = cluster.get("customresourcedefinitions")["items"]
    custom = [
        _file(folder, crd["spec"]["group"], version["name"], crd["spec"]["names"]["kind"])
        for crd in served
        for version in crd["spec"]["versions"]
        if version["served"]
    ]

    def written() -> bool:
        paths: dict[str, dict[str, str]] = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3"))["paths"]
        for path, where in paths.items():
            if path.startswith(("api/", "apis/")):
                document = json.loads(cluster.kubectl("get", "--raw", where["serverRelativeURL"]))
                _write_kinds(document.get("components", {}).get("schemas", {}), folder)
        return all(file.is_file() for file in custom)

    # The API server serves a new kind before it tells of its schema.
    wait_for("the schemas of all kinds", written)
    return f"{folder}/{LOCATION}"


def _file(folder: Path, group: str, version: str, kind: str) -> Path:
    return folder / (group or version) / f"{kind.lower()}_{version}.json"


def _write_kinds(schemas: dict[str, dict[str, Any]], folder: Path) -> None:
    for schema in schemas.values():
        _close(schema)
    for name, schema in schemas.items():
        kinds = schema.get("x-kubernetes-group-version-kind", ())
        # Options of requests are in every group, and no manifest has them.
        if len(kinds) != 1 or kinds[0]["kind"] == "Status":
            continue
        group, version, kind = (kinds[0][key] for key in ("group", "version", "kind"))
        file = _file(folder, group, version, kind)
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        file.write_text(json.dumps(whole), encoding="utf-8")


def _close(schema: Any) -> None:
    """Forbid what a schema does not name, at every depth."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if not isinstance(schema, dict):
        return
    for each in schema.values():
        _close(each)
    named = isinstance(schema.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in schema
    if named and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
