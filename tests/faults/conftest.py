"""The bridges that are attacked: one that the local user has signed in to, one that compresses, and one
whose users sign in by token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .attacking import Attacked, attacked_bridge


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked_bridge(tmp_path_factory.mktemp("bridge")) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def attacked_compressing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked_bridge(tmp_path_factory.mktemp("bridge"), "--compress") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def attacked_by_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked_bridge(tmp_path_factory.mktemp("bridge"), "--tokens") as bridge:
        yield bridge
