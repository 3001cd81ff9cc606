"""A form of fields and files to the content of a ConfigMap or Secret.

A field's value is kept under the field's name, and so is a file; in a field whose name ends in `[]` each file is kept
under its own name. Files that nobody chose are left out. Everything stays in memory: it is less than 1 MiB.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from kubedom_bridge import bodies
from kubedom_bridge.bodies import BadBody

from .asking import truth_of

#: Kubernetes' limit of 1 MiB, less what the object has beside its content.
LONGEST_CONTENT = 2**20 - 16_384
#: The content, and what the form says around it.
LONGEST_FORM = LONGEST_CONTENT + 131_072
MOST_PARTS = 500
KINDS = ("ConfigMap", "Secret")
RESERVED = ("name", "namespace", "kind", "dryRun", "restart")
#: What Django writes into its forms; it is no part of a configuration.
_IGNORED = "csrfmiddlewaretoken"
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_NO_KEYS = re.compile(r"\.{1,2}|\.\..*")


@dataclass
class Upload:
    """What a form asks for.

    Args:
        kind: `ConfigMap` or `Secret`.
        namespace: Its namespace; empty for the default's.
        name: Its name; empty for the default's.
        dry_run: Whether only the difference is asked for.
        restart: Whether what uses it is to be restarted.
        content: The bytes of each key.

    """

    kind: str = "ConfigMap"
    namespace: str = ""
    name: str = ""
    dry_run: bool = False
    restart: bool = False
    content: dict[str, bytes] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """The object without its names; what is no text in a ConfigMap is kept as binary."""
        data: dict[str, str] = {}
        binary: dict[str, str] = {}
        for key, value in self.content.items():
            try:
                if self.kind == "Secret":
                    raise ValueError
                data[key] = value.decode()
            except ValueError:
                binary[key] = b64encode(value).decode()
        found: Mapping[str, Any] = {"data": binary} if self.kind == "Secret" else {"data": data, "binaryData": binary}
        return {
            "apiVersion": "v1",
            "kind": self.kind,
            "metadata": {},
            **{name: values for name, values in found.items() if values},
        }


async def read(request: Request) -> Upload:
    """Read the form.

    Raises:
        BadBody: where it is none, is too large, or has a field that cannot be used; with that field.

    """
    kind = bodies.media_type(request)
    if kind != bodies.MULTIPART:
        raise BadBody(415, f"A body of type {kind[:80]!r} is not taken.", remedy="Send the page's FormData.")
    parser = MultiPartParser(
        request.headers,
        cast(Any, bodies.parts(request, LONGEST_FORM)),
        max_files=MOST_PARTS,
        max_fields=MOST_PARTS,
        max_part_size=LONGEST_FORM,
    )
    parser.spool_max_size = LONGEST_FORM
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadBody(422, f"The form cannot be read: {error.message}", remedy="Send the page's FormData.") from None
    upload = Upload()
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                await _take_file(upload, name, value)
            else:
                _take_field(upload, name, value)
    finally:
        await form.close()
    if not upload.content:
        raise BadBody(422, "The form has nothing to keep.", remedy=f"Add fields beside {', '.join(RESERVED)}.")
    _check_size(upload.content)
    return upload


async def _take_file(upload: Upload, name: str, file: UploadFile) -> None:
    if not file.filename:
        return
    if name in RESERVED:
        raise BadBody(422, f"The field {name} takes no file.", remedy="Give the file another field.", field=name)
    # Some browsers send the path with it.
    own_name = file.filename.replace("\\", "/").rpartition("/")[2]
    _keep(upload, own_name if name.endswith("[]") else name, await file.read(), name)


def _take_field(upload: Upload, name: str, value: str) -> None:
    if name == _IGNORED:
        return
    if name not in RESERVED:
        _keep(upload, name, value.encode(), name)
    elif name == "kind":
        if value not in KINDS:
            raise BadBody(
                422, f"{value[:80]!r} is no kind of configuration.", remedy=f"Send {' or '.join(KINDS)}.", field=name
            )
        upload.kind = value
    elif name == "dryRun":
        upload.dry_run = truth_of(value, name)
    elif name == "restart":
        upload.restart = truth_of(value, name)
    elif name == "name":
        upload.name = value.strip()
    else:
        upload.namespace = value.strip()


def _keep(upload: Upload, key: str, value: bytes, name: str) -> None:
    if not _KEY.fullmatch(key) or _NO_KEYS.fullmatch(key):
        raise BadBody(
            422,
            f"{key[:80]!r} is no key of a {upload.kind}.",
            remedy="Use letters, digits, `-`, `_` and `.`, at most 253 of them and not beginning with `..`.",
            field=name[:80],
        )
    if key in upload.content:
        raise BadBody(
            422,
            f"The key {key} comes twice.",
            remedy="Give each field another name; one that ends in [] keeps each of its files under the file's own.",
            field=name[:80],
        )
    upload.content[key] = value


def _check_size(content: Mapping[str, bytes]) -> None:
    sizes = {key: len(key) + len(value) for key, value in content.items()}
    if sum(sizes.values()) > LONGEST_CONTENT:
        largest = max(sizes, key=lambda key: sizes[key])
        raise BadBody(
            413,
            f"The form holds {sum(sizes.values())} bytes; the largest field is {largest} with {sizes[largest]}.",
            remedy=f"Kubernetes keeps at most {LONGEST_CONTENT} bytes in one object.",
            field=largest,
        )
