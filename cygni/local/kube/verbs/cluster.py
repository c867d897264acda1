"""The verbs: create, read, update, patch, apply and delete, with every rule that a write passes on its way to the store.

HTTP and the controllers come through here alike. All methods are synchronous, so nobody writes between a method's read and its
write; they raise `ApiError` and nothing else on purpose. What they return belongs to the store: copy before changing it.
"""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Iterable

from cygni.local.kube import errors
from cygni.local.kube.apply.managers import apply as apply_configuration
from cygni.local.kube.apply.managers import track_update
from cygni.local.kube.errors import Cause
from cygni.local.kube.objects import Obj, deep_copy, name_of, now
from cygni.local.kube.patches.merge import json_patch, merge_patch
from cygni.local.kube.patches.strategic import strategic_merge
from cygni.local.kube.resources.catalog import Catalog
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.storage.store import Change, Key, Store
from cygni.local.kube.validation.cel import rule_faults
from cygni.local.kube.validation.names import metadata_faults
from cygni.local.kube.validation.rules import CHANGES, RULES, metadata_change_faults
from cygni.local.kube.validation.structure import faults
from cygni.local.kube.verbs.admission import (
    MADE_BY_UPDATE,
    allocate,
    check_namespace,
    empty_object,
    prepare_create,
    prepare_update,
    protect,
)
from cygni.local.kube.verbs.decoding import complete, decode, decode_configuration
from cygni.local.kube.verbs.deletion import is_finished, start_deletion
from cygni.local.kube.verbs.halves import counts_generations, desired, hidden_fields, keep_other_half, manager_of
from cygni.local.kube.verbs.options import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, DeleteOptions, WriteOptions

CRD_KEY = "customresourcedefinitions.apiextensions.k8s.io"
_GENERATED = string.digits + string.ascii_lowercase
_SYSTEM_METADATA = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "namespace",
    "name",
)


class Cluster:
    """Store, catalog and verbs in one. Definitions of custom resources are served as soon as they are stored."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.catalog = Catalog()
        for definition in store.select(CRD_KEY):
            self.catalog.install(definition)
        store.subscribe(self._follow_definitions)

    def _follow_definitions(self, change: Change) -> None:
        if change.key.resource == CRD_KEY:
            if change.type == "DELETED":
                self.catalog.uninstall(change.key.name)
            else:
                self.catalog.install(change.obj)

    def key(self, resource: Resource, namespace: str, name: str) -> Key:
        """Where the store files an object."""
        return Key(resource.key, namespace if resource.namespaced else "", name)

    def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """The object; 404 if there is none."""
        found = self.store.get(self.key(resource, namespace, name))
        if found is None:
            raise errors.not_found(resource.plural, resource.group, name)
        return found

    def create(self, resource: Resource, namespace: str, body: Obj, options: WriteOptions) -> Obj:
        """Store a new object (the body becomes the store's); 409 if the name is taken, 422 if it breaks rules."""
        obj = decode(resource, body, options)
        self._check_target(resource, namespace, obj)
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self._generate(resource, namespace, metadata["generateName"])
        return self._insert(resource, namespace, obj, options, applied=False)

    def _insert(self, resource: Resource, namespace: str, obj: Obj, options: WriteOptions, *, applied: bool) -> Obj:
        metadata = obj["metadata"]
        if resource.namespaced:
            metadata["namespace"] = namespace
        managed = metadata.get("managedFields")
        for field in (*_SYSTEM_METADATA[:5], "selfLink", "resourceVersion"):
            metadata.pop(field, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if counts_generations(resource):
            metadata["generation"] = 1
        key = self.key(resource, namespace, metadata.get("name") or "")
        if resource.namespaced:
            check_namespace(self.store, resource, namespace, key.name)
        complete(resource, obj)
        prepare_create(self.store, resource, obj)
        self._validate(resource, obj, None)
        if self.store.get(key) is not None:
            raise errors.already_exists(resource.plural, resource.group, key.name)
        if not applied:
            metadata.pop("managedFields", None)
            manager = manager_of(resource, options, "Update")
            track_update(empty_object(resource), obj, resource.schema, manager, now(), hidden_fields(resource, obj, ""))
        elif managed:
            metadata["managedFields"] = managed
        allocate(self.store, resource, obj)
        return obj if options.dry_run else self.store.put(key, obj)

    def is_made_by_update(self, resource: Resource, namespace: str, name: str, options: WriteOptions) -> bool:
        """Whether an update of what does not exist creates it; a few kinds have always been so."""
        missing = self.store.get(self.key(resource, namespace, name)) is None
        return missing and resource.key in MADE_BY_UPDATE and not options.subresource

    def update(self, resource: Resource, namespace: str, name: str, body: Obj, options: WriteOptions) -> Obj:
        """Replace an object (or the half of it that the subresource writes); 409 if the body is of an older version."""
        old = self.get(resource, namespace, name)
        new = decode(resource, body, options)
        self._check_target(resource, namespace, new)
        given = name_of(new)
        if given and given != name:
            raise errors.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        if resource.custom and not new["metadata"].get("resourceVersion"):
            cause = errors.invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
            raise errors.invalid(resource.kind, resource.group, name, [cause])
        return self._replace(resource, old, new, options)

    def patch(self, resource: Resource, namespace: str, name: str, kind: str, patch: object, options: WriteOptions) -> Obj:
        """Change an object by a JSON, merge or strategic merge patch (`kind` is the media type)."""
        old = self.get(resource, namespace, name)
        if kind == JSON_PATCH:
            patched = json_patch(deep_copy(old), patch)
        elif not isinstance(patch, dict):
            raise errors.bad_request("error decoding patch: a merge patch is an object")
        elif kind == MERGE_PATCH:
            patched = merge_patch(old, patch)
        elif kind == STRATEGIC_PATCH and not resource.custom:
            patched = strategic_merge(old, patch, resource.schema)
        else:
            raise errors.unsupported_media([JSON_PATCH, MERGE_PATCH, "application/apply-patch+yaml"])
        return self._replace(resource, old, decode(resource, deep_copy(patched), options), options)

    def apply(self, resource: Resource, namespace: str, name: str, body: Obj, options: WriteOptions) -> tuple[Obj, bool]:
        """Server-side apply: (the object, whether it is new). 409 on conflicts with other managers unless forced."""
        config = decode_configuration(resource, body)
        self._check_target(resource, namespace, config)
        if name_of(config) not in {"", name}:
            raise errors.bad_request(f"the name of the object ({name_of(config)}) does not match the name on the URL ({name})")
        if config["metadata"].pop("managedFields", None):
            raise errors.bad_request("metadata.managedFields must be nil")
        config["metadata"]["name"] = name
        manager = manager_of(resource, options, "Apply")
        hidden = hidden_fields(resource, config, options.subresource)
        old = self.store.get(self.key(resource, namespace, name))
        wanted, uid = config["metadata"].get("resourceVersion"), config["metadata"].get("uid")
        if old is None:
            if options.subresource:
                raise errors.not_found(resource.plural, resource.group, name)
            if uid:
                why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                raise errors.conflict(resource.plural, resource.group, name, why)
            empty: Obj = {"metadata": {}}
            obj = apply_configuration(empty, config, resource.schema, manager, now(), force=options.force, hidden=hidden)
            obj["metadata"]["name"] = name
            return self._insert(resource, namespace, obj, options, applied=True), True
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise errors.conflict(resource.plural, resource.group, name, errors.MODIFIED)
        if uid and uid != old["metadata"]["uid"]:
            cause = errors.invalid_value("metadata.uid", uid, "field is immutable")
            raise errors.invalid(resource.kind, resource.group, name, [cause])
        merged = apply_configuration(old, config, resource.schema, manager, now(), force=options.force, hidden=hidden)
        if wanted:
            merged["metadata"]["resourceVersion"] = wanted
        return self._replace(resource, old, deep_copy(merged), options, applied=True), False

    def _replace(self, resource: Resource, old: Obj, new: Obj, options: WriteOptions, *, applied: bool = False) -> Obj:
        """The common end of update, patch and apply; `new` may be changed."""
        name = name_of(old)
        metadata = new["metadata"]
        if metadata.get("resourceVersion") not in {None, "", "0", old["metadata"]["resourceVersion"]}:
            raise errors.conflict(resource.plural, resource.group, name, errors.MODIFIED)
        if metadata.get("uid") not in {None, "", old["metadata"]["uid"]}:
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {old['metadata']['uid']}"
            raise errors.conflict(resource.plural, resource.group, name, why)
        keep_other_half(resource, old, new, options.subresource)
        metadata = new["metadata"]
        for field in _SYSTEM_METADATA:
            if field in old["metadata"] and (field not in {"name", "creationTimestamp"} or not metadata.get(field)):
                metadata[field] = old["metadata"][field]
            elif field not in old["metadata"]:
                metadata.pop(field, None)
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
        complete(resource, new)
        prepare_update(resource, old, new)
        if counts_generations(resource) and desired(resource, old) != desired(resource, new):
            metadata["generation"] = old["metadata"].get("generation", 0) + 1
        self._validate(resource, new, old)
        if not applied:
            manager = manager_of(resource, options, "Update")
            track_update(old, new, resource.schema, manager, now(), hidden_fields(resource, new, options.subresource))
        return self._store_change(resource, old, new, dry_run=options.dry_run)

    def _store_change(self, resource: Resource, old: Obj, new: Obj, *, dry_run: bool) -> Obj:
        if new == old:
            return old
        if dry_run:
            return new
        key = self.key(resource, old["metadata"].get("namespace", ""), name_of(old))
        if is_finished(resource, new):
            new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            self.store.put(key, new)
            return self.store.remove(key)
        return self.store.put(key, new)

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> tuple[Obj, bool]:
        """Begin or finish a deletion: (the object's last state, whether it is gone already)."""
        old = self.get(resource, namespace, name)
        refused = protect(resource, name)
        if refused:
            raise refused
        for field, wished in (("uid", options.uid), ("resourceVersion", options.resource_version)):
            if wished and wished != old["metadata"][field]:
                label = "UID" if field == "uid" else "ResourceVersion"
                why = (
                    f"Precondition failed: {label} in precondition: {wished}, {label} in object meta: {old['metadata'][field]}"
                )
                raise errors.conflict(resource.plural, resource.group, name, why)
        doomed = start_deletion(resource, old, options)
        key = self.key(resource, namespace, name)
        if is_finished(resource, doomed):
            return (old if options.dry_run else self.store.remove(key)), True
        if doomed == old or options.dry_run:
            return doomed, False
        return self.store.put(key, doomed), False

    def _check_target(self, resource: Resource, namespace: str, obj: Obj) -> None:
        given = obj["metadata"].get("namespace")
        if resource.namespaced and given and given != namespace:
            raise errors.bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if not resource.namespaced:
            obj["metadata"].pop("namespace", None)

    def _generate(self, resource: Resource, namespace: str, prefix: str) -> str:
        for _ in range(8):
            name = prefix[:58] + "".join(random.choices(_GENERATED, k=5))
            if self.store.get(self.key(resource, namespace, name)) is None:
                return name
        raise errors.already_exists(resource.plural, resource.group, prefix)

    def _validate(self, resource: Resource, obj: Obj, old: Obj | None) -> None:
        causes = list(self._faults(resource, obj, old))
        if causes:
            name = name_of(obj) or str(obj["metadata"].get("generateName", ""))
            raise errors.invalid(resource.kind, resource.group, name, causes)

    def _faults(self, resource: Resource, obj: Obj, old: Obj | None) -> Iterable[Cause]:
        yield from metadata_faults(resource.key, obj)
        if old is not None:
            yield from metadata_change_faults(old, obj)
        if resource.custom:
            broken = list(faults(obj, resource.schema))
            yield from broken or rule_faults(obj, resource.schema, old)
            return
        if resource.key in RULES and (old is None or desired(resource, obj) != desired(resource, old)):
            yield from RULES[resource.key](obj)
        if old is not None and resource.key in CHANGES:
            yield from CHANGES[resource.key](old, obj)
