"""Which workloads use a ConfigMap or a Secret. Pure: pod templates in, yes or no out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: How each kind is referred to: by envFrom, by one variable, as a volume with the name's field, within a projection.
_REFERENCES = {
    "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap", "name"),
    "Secret": ("secretRef", "secretKeyRef", "secret", "secretName"),
}


def uses(pod: Mapping[str, Any], kind: str, name: str) -> bool:
    """Whether a pod's spec takes its environment or a volume from this ConfigMap or Secret of its namespace."""
    return name in _named(pod, kind)


def _named(pod: Mapping[str, Any], kind: str) -> Iterator[str | None]:
    source, variable, volume_field, volume_name = _REFERENCES[kind]
    for volume in pod.get("volumes") or ():
        yield (volume.get(volume_field) or {}).get(volume_name)
        for projected in (volume.get("projected") or {}).get("sources") or ():
            yield (projected.get(volume_field) or {}).get("name")
    for field in ("containers", "initContainers"):
        for container in pod.get(field) or ():
            for each in container.get("envFrom") or ():
                yield (each.get(source) or {}).get("name")
            for each in container.get("env") or ():
                yield ((each.get("valueFrom") or {}).get(variable) or {}).get("name")
