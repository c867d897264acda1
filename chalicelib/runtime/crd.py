"""The CustomResourceDefinition of a CygniService, rendered from the models of the app file. Pure.

What both can say has one source: bounds, defaults and descriptions are those of `chalicelib.projects.spec`. Here stand only
what a declared service has instead of a build (an image by digest), and the rules between fields, which OpenAPI cannot say
and CEL can. The same definition is what `manifests/` ships and what the embedded cluster serves.
"""

from __future__ import annotations

from typing import Any

from chalicelib.projects.spec import ServiceSpec

Schema = dict[str, Any]

GROUP, VERSION, KIND, PLURAL = "cygni.dev", "v1", "CygniService", "cygniservices"
NAME = f"{PLURAL}.{GROUP}"
CONDITIONS = ("Ready", "Progressing", "Degraded")
_KEPT = (
    "type", "description", "default", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
    "maxProperties", "required",
)  # fmt: skip
_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
"""Where `kubectl scale`, or an autoscaler of somebody's own, finds and writes the number of instances."""
_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"


def definition() -> Schema:
    """The CustomResourceDefinition, as `kubectl apply` takes it."""
    names = {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": KIND.lower(), "shortNames": ["csvc"]}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _object_schema()},
        "subresources": {"status": {}, "scale": _SCALE},
        "additionalPrinterColumns": _columns(),
    }
    spec = {"group": GROUP, "scope": "Namespaced", "names": names | {"categories": ["cygni"]}, "versions": [version]}
    labels = {"app.kubernetes.io/name": "cygni", "app.kubernetes.io/component": "crd"}
    meta = {"name": NAME, "labels": labels}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def structural(schema: Schema, known: Schema) -> Schema:
    """A pydantic schema as a structural one: references followed, null said by `nullable`, titles left out."""
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return structural({**known[schema["$ref"].rpartition("/")[2]], **beside}, known)
    if {each.get("type") for each in schema.get("anyOf", ())} == {"integer", "string", "null"}:
        return _amount(schema)
    if "anyOf" in schema:
        (other,) = (each for each in schema["anyOf"] if each.get("type") != "null")
        made = structural({**other, **{key: value for key, value in schema.items() if key != "anyOf"}}, known)
        # A default of null is absence; another default means that null says something of its own.
        return made | ({"nullable": True} if schema.get("default") is not None else {})
    made = {key: schema[key] for key in _KEPT if schema.get(key) is not None}
    if "items" in schema:
        made["items"] = structural(schema["items"], known)
    if "properties" in schema:
        made["properties"] = {name: structural(each, known) for name, each in schema["properties"].items()}
    return made


def _amount(schema: Schema) -> Schema:
    """A number or a percentage, as Kubernetes has them; what either may be is said in CEL, which both servers evaluate."""
    number, text = (next(each for each in schema["anyOf"] if each["type"] == kind) for kind in ("integer", "string"))
    bounds = f"self >= {number['minimum']} && self <= {number['maximum']}"
    said = f"a number from {number['minimum']} to {number['maximum']}, or a share such as 25%"
    taken = rule(f"type(self) == int ? {bounds} : self.matches('{text['pattern']}')", said)
    return {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "description": schema["description"],
        "maxLength": 4,
        "x-kubernetes-validations": [taken],
    }


def _object_schema() -> Schema:
    rules = [
        rule("!self.metadata.name.startsWith('cygni-')", "names that begin with 'cygni-' are Cygni's own: choose another"),
        rule(
            "self.metadata.name.matches('^[a-z](-?[a-z0-9])*$') && self.metadata.name.size() <= 30",
            "a name is lower-case letters, digits and single hyphens, begins with a letter, and has at most 30 characters",
        ),
    ]
    return {
        "type": "object",
        "description": "A service of Cygni: what runs, how it scales, and how a new version takes over.",
        "required": ["spec"],
        "properties": {"spec": spec_schema(), "status": _status()},
        "x-kubernetes-validations": rules,
    }


def rule(expression: str, message: str, *, path: str = "") -> Schema:
    """One CEL rule with the sentence that whoever breaks it reads."""
    return {"rule": expression, "message": message} | ({"fieldPath": path} if path else {})


def spec_schema() -> Schema:
    """What `spec` may hold."""
    generated = ServiceSpec.model_json_schema(by_alias=True)
    known = generated["$defs"]
    own = {name: structural(each, known) for name, each in generated["properties"].items()}
    properties = {
        "image": _image(),
        "command": _words("Command that runs in place of the image's own."),
        "ports": _ports(own["port"]),
        "env": _env(own["env"]),
        "envFrom": _env_from(),
        "replicas": _replicas(own["scale"]),
        "autoscale": _autoscale(own["scale"]),
        "health": own["health"] | {"default": {}},
        "healthGates": _gates(own["rollout"]["properties"].pop("gates")),
        "rollout": _rollout(own["rollout"]),
        "domains": own["domains"] | {"x-kubernetes-list-type": "set"},
        "resources": own["resources"] | {"default": {}},
    }
    within = rule(
        "!has(self.replicas) || !has(self.autoscale) || self.autoscale.max <= self.autoscale.min"
        " || (self.replicas >= self.autoscale.min && self.replicas <= self.autoscale.max)",
        "replicas is outside of autoscale's min and max: change them, or leave replicas out",
        path=".replicas",
    )
    return {"type": "object", "required": ["image"], "properties": properties, "x-kubernetes-validations": [within]}


def _image() -> Schema:
    by_digest = rule(
        "self.matches('^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$')",
        "name the image by its digest, which no push can change: registry/path@sha256:<64 hex digits>",
    )
    said = "The image by digest: registry/path@sha256:…"
    return {"type": "string", "description": said, "maxLength": 512, "x-kubernetes-validations": [by_digest]}


def _words(description: str) -> Schema:
    word = {"type": "string", "maxLength": 4096}
    return {"type": "array", "description": description, "maxItems": 64, "items": word, "x-kubernetes-list-type": "atomic"}


def _ports(port: Schema) -> Schema:
    bounds = {key: port[key] for key in ("type", "minimum", "maximum")}
    name = {"type": "string", "enum": ["http"], "default": "http", "description": "What speaks on the port."}
    entry = {
        "type": "object",
        "required": ["port"],
        "properties": {"name": name, "port": bounds | {"description": port["description"]}},
    }
    return {
        "type": "array",
        "description": "The port that requests come to; one.",
        "minItems": 1,
        "maxItems": 1,
        "default": [{"name": "http", "port": port["default"]}],
        "items": entry,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }


def _env(env: Schema) -> Schema:
    names = rule(
        f"self.all(name, name.matches('{_VARIABLE}'))",
        "a variable's name is letters, digits and underscores, and begins with no digit",
    )
    value = {"type": "string", "maxLength": 16_384}
    return {**env, "additionalProperties": value, "x-kubernetes-validations": [names]}


def _env_from() -> Schema:
    one = {
        "type": "string",
        "maxLength": 80,
        "pattern": r"^secrets://[a-z](-?[a-z0-9])*/[a-z](-?[a-z0-9])*$",
        "description": "secrets://<environment>/<service>",
    }
    said = "Config variables that Cygni keeps: those of this service and its own environment. Without it there are none."
    return {"type": "array", "description": said, "maxItems": 1, "items": one, "x-kubernetes-list-type": "set"}


def _replicas(scale: Schema) -> Schema:
    said = "Number of instances, which `kubectl scale` writes. Where autoscale has a range, the number that it goes on from."
    most = scale["properties"]["max"]["maximum"]
    return {"type": "integer", "format": "int32", "minimum": 1, "maximum": most, "description": said}


def _autoscale(scale: Schema) -> Schema:
    properties = scale["properties"]
    properties["cpu"] = properties.pop("cpuPercent")
    room = rule(
        "!has(self.max) || !has(self.min) || self.max >= self.min", "max is below min: let it be min or more", path=".max"
    )
    scaled = rule(
        "!has(self.requests) || (has(self.max) && self.max > 1 && (!has(self.min) || self.max > self.min))",
        "requests has no room to scale: let max be above min, and above 1, or leave requests out",
        path=".requests",
    )
    return {**scale, "default": {}, "x-kubernetes-validations": [room, scaled]}


def _gates(gates: Schema) -> Schema:
    custom = gates["properties"]["custom"]
    custom |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    custom["items"]["x-kubernetes-validations"] = [
        rule("has(self.query) != has(self.webhook)", "a gate is either a query or a webhook: write one of the two"),
        rule("!has(self.query) || has(self.max) != has(self.min)", "a query needs one limit: write one of max and min"),
        rule("!has(self.webhook) || (!has(self.max) && !has(self.min))", "a webhook answers yes or no: leave out max and min"),
    ]
    return {**gates, "default": {}}


def _rollout(rollout: Schema) -> Schema:
    steps = rollout["properties"]["steps"]
    steps["x-kubernetes-list-type"] = "atomic"
    steps["x-kubernetes-validations"] = [
        rule("self.map(step, step.weight).isSorted()", "let the weights rise from step to step"),
        rule("self.all(one, self.exists_one(other, other.weight == one.weight))", "no two steps have the same weight"),
    ]
    return {**rollout, "default": {}, "x-kubernetes-validations": _of_strategies()}


def _of_strategies() -> list[Schema]:
    """What does not go together in a rollout."""
    rolls = "has(self.strategy) && self.strategy == 'rolling'"
    usual = f"({rolls} ? '25%' : '{{}}')"
    surge, missing = (
        f"(has(self.{name}) ? string(self.{name}) : {usual.format(amount)})"
        for name, amount in (("maxSurge", 1), ("maxUnavailable", 0))
    )
    nothing = "['0', '0%']"
    return [
        rule(
            f"!({surge} in {nothing} && {missing} in {nothing})",
            "maxSurge and maxUnavailable are both 0, so that nothing could be replaced: let one be above 0",
            path=".maxUnavailable",
        ),
        rule(
            f"!({rolls}) || !has(self.steps) || !self.steps.exists(step, has(step.approval) && step.approval)",
            "a rolling release has batches in place of steps: leave approval out, or take canary or blueGreen",
            path=".steps",
        ),
        rule(
            f"!({rolls}) || !has(self.scaleDownDelay) || self.scaleDownDelay == '0s'",
            "a rolling release's old instances end batch by batch: leave scaleDownDelay out, or take canary or blueGreen",
            path=".scaleDownDelay",
        ),
        rule(
            f"!has(self.batchFor) || self.batchFor == '0s' || ({rolls})",
            "batchFor is of a rolling release: write strategy: rolling, or leave it out",
            path=".batchFor",
        ),
    ]


def _status() -> Schema:
    text, number = {"type": "string"}, {"type": "integer", "format": "int64"}
    condition = {
        "type": "object",
        "required": ["type", "status", "reason", "message", "lastTransitionTime"],
        "properties": {
            "type": text,
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": text,
            "message": text,
            "observedGeneration": number,
            "lastTransitionTime": {"type": "string", "format": "date-time"},
        },
    }
    conditions = {
        "type": "array",
        "items": condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    properties = {
        "observedGeneration": number | {"description": "The generation of the spec that the conditions speak of."},
        "conditions": conditions | {"description": "Ready, Progressing and Degraded, each with its reason."},
        "deployment": text | {"description": "The deployment that rolled this spec out."},
        "release": number | {"description": "The release that has the traffic."},
        "replicas": number | {"description": "Instances of the release that has the traffic."},
        "selector": text | {"description": "The labels of those instances' pods."},
        "url": text | {"description": "Where the service answers."},
    }
    return {"type": "object", "properties": properties}


def _columns() -> list[Schema]:
    def condition(kind: str, field: str) -> str:
        return f'.status.conditions[?(@.type=="{kind}")].{field}'

    return [
        {"name": "Ready", "type": "string", "jsonPath": condition("Ready", "status")},
        {"name": "Reason", "type": "string", "jsonPath": condition("Ready", "reason")},
        {"name": "Progressing", "type": "string", "jsonPath": condition("Progressing", "status")},
        {"name": "Degraded", "type": "string", "jsonPath": condition("Degraded", "status")},
        {"name": "Release", "type": "integer", "jsonPath": ".status.release"},
        {"name": "Replicas", "type": "integer", "jsonPath": ".status.replicas"},
        {"name": "URL", "type": "string", "jsonPath": ".status.url", "priority": 1},
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
