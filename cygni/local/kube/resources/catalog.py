"""Which resources are served at this moment: the built-in ones and those of established CustomResourceDefinitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cygni.local.kube.objects import Obj, get_path
from cygni.local.kube.resources.kinds import BUILTIN, Column, Resource, ScalePaths
from cygni.local.kube.schema.tree import custom


class Catalog:
    """Looks resources up by path and by kind. Custom ones come and go with their definitions."""

    def __init__(self, builtin: Iterable[Resource] = BUILTIN) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_definition: dict[str, list[Resource]] = {}
        for resource in builtin:
            self._by_path[(resource.group, resource.version, resource.plural)] = resource
        self.generation = 0

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource served at `/apis/<group>/<version>/<plural>`."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's apiVersion and kind."""
        group, _, version = api_version.rpartition("/")
        return next((r for r in self._by_path.values() if (r.group, r.version, r.kind) == (group, version, kind)), None)

    def by_key(self, key: str) -> Resource | None:
        """Any served version of what the store files under that key."""
        return next((resource for resource in self._by_path.values() if resource.key == key), None)

    def builtin(self, key: str) -> Resource:
        """A built-in resource by its key, such as `pods` or `deployments.apps`."""
        found = self.by_key(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._by_path.values()))

    def group_versions(self) -> dict[str, list[str]]:
        """Group → its served versions, the preferred one first."""
        groups: dict[str, list[str]] = {}
        for resource in self._by_path.values():
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return groups

    def install(self, definition: Obj) -> None:
        """Serve what a CustomResourceDefinition declares, in place of what it declared before."""
        self.uninstall(definition["metadata"]["name"])
        made = resources_of(definition)
        self._by_definition[definition["metadata"]["name"]] = made
        for resource in made:
            self._by_path[(resource.group, resource.version, resource.plural)] = resource
        self.generation += 1

    def uninstall(self, name: str) -> None:
        """Serve a definition's resources no longer."""
        for resource in self._by_definition.pop(name, []):
            self._by_path.pop((resource.group, resource.version, resource.plural), None)
        self.generation += 1


def resources_of(definition: Obj) -> list[Resource]:
    """The resources of a CustomResourceDefinition: one for each version that is served, the stored version first."""
    versions = [version for version in definition["spec"]["versions"] if version.get("served")]
    return [
        _resource(definition["spec"], version) for version in sorted(versions, key=lambda version: not version.get("storage"))
    ]


def _resource(spec: Obj, version: Obj) -> Resource:
    names = spec["names"]
    scale = get_path(version, "subresources", "scale")
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        schema=custom(get_path(version, "schema", "openAPIV3Schema", default={})),
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular") or names["kind"].lower(),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        has_status=get_path(version, "subresources", "status") is not None,
        scale=_scale(scale) if scale else None,
        custom=True,
        columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
    )


def _scale(scale: Obj) -> ScalePaths:
    return ScalePaths(scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath", ""))


def _column(column: Obj) -> Column:
    return Column(column["name"], column["type"], column["jsonPath"], column.get("format", ""), column.get("priority", 0))
