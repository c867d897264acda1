from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cygni.local.images import BadReference, ImageAbsent, ImageBroken, ImageStore, digest_of

DIGEST = "sha256:" + "ab" * 32
REFERENCE = f"registry.local/shop/web@{DIGEST}"


def write(store: Path, **manifest: Any) -> Path:
    root = store / DIGEST.replace(":", "-")
    root.mkdir(parents=True)
    whole = {"digest": DIGEST, "command": ["sh", "-c", "exec python app.py"], "env": {}, "workdir": "app"} | manifest
    (root / "image.json").write_text(json.dumps(whole))
    return root


def test_an_image_is_found_by_the_digest_of_its_reference(tmp_path: Path) -> None:
    root = write(tmp_path)

    image = ImageStore(tmp_path).find(REFERENCE)

    assert (image.digest, image.root, image.workdir) == (DIGEST, root, "app")
    assert image.command == ("sh", "-c", "exec python app.py")


def test_the_image_variable_stands_for_the_folder_the_reader_names(tmp_path: Path) -> None:
    write(tmp_path, env={"PATH": "${IMAGE}/deps/bin:/bin", "PLAIN": "$IMAGE"})

    image = ImageStore(tmp_path).find(REFERENCE)

    assert image.environment(Path("/copy")) == {"PATH": "/copy/deps/bin:/bin", "PLAIN": "$IMAGE"}


@pytest.mark.parametrize("reference", ["nginx", "nginx:1.27", "web@sha256:abc", "web@md5:" + "ab" * 32])
def test_a_reference_without_a_digest_is_refused(reference: str) -> None:
    with pytest.raises(BadReference, match="not named by digest"):
        digest_of(reference)


def test_an_image_that_is_not_complete_is_absent(tmp_path: Path) -> None:
    (write(tmp_path) / "image.json").unlink()

    with pytest.raises(ImageAbsent, match="not in the image store"):
        ImageStore(tmp_path).find(REFERENCE)


def test_a_store_that_does_not_exist_yet_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageAbsent):
        ImageStore(tmp_path / "later").find(REFERENCE)


@pytest.mark.parametrize(
    "manifest",
    [
        {"digest": "sha256:" + "cd" * 32},
        {"command": []},
        {"command": "python app.py"},
        {"env": {"A": 1}},
        {"env": ["A"]},
        {"workdir": "/etc"},
        {"workdir": "app/../.."},
    ],
    ids=str,
)
def test_a_manifest_that_breaks_the_format_is_refused(tmp_path: Path, manifest: dict[str, Any]) -> None:
    write(tmp_path, **manifest)

    with pytest.raises(ImageBroken, match="build it again"):
        ImageStore(tmp_path).find(REFERENCE)


def test_a_manifest_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (write(tmp_path) / "image.json").write_text("{")

    with pytest.raises(ImageBroken, match="not JSON"):
        ImageStore(tmp_path).find(REFERENCE)
