"""Kubernetes' verbs and subresources as deeds, and the API server's own paths. Data alone: audit.deeds reads it.

In a phrase `{object}` is the object ("pod shop/web-1") and `{sub}` an unknown subresource.
"""

from __future__ import annotations

from collections.abc import Mapping

from audit.evidence import Action


def deed(done: str, base: str) -> Action:
    """Return a deed as it reads after a name and after "tried to"."""
    return Action(done=done, base=base)


#: Every verb of requests, access reviews and roles.
#: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
VERBS: Mapping[str, Action] = {
    "get": deed("read {object}", "read {object}"),
    "list": deed("listed {object}", "list {object}"),
    "watch": deed("watched {object}", "watch {object}"),
    "create": deed("created {object}", "create {object}"),
    "update": deed("updated {object}", "update {object}"),
    "patch": deed("patched {object}", "patch {object}"),
    "delete": deed("deleted {object}", "delete {object}"),
    "deletecollection": deed("deleted {object}", "delete {object}"),
    "proxy": deed("went through the proxy of {object}", "go through the proxy of {object}"),
    "redirect": deed("was redirected to {object}", "be redirected to {object}"),
    "connect": deed("connected to {object}", "connect to {object}"),
    "head": deed("looked up {object}", "look up {object}"),
    "options": deed("asked what may be done with {object}", "ask what may be done with {object}"),
    "post": deed("posted to {object}", "post to {object}"),
    "put": deed("wrote to {object}", "write to {object}"),
    "apply": deed("applied {object}", "apply {object}"),
    "impersonate": deed("acted as {object}", "act as {object}"),
    "bind": deed("bound {object}", "bind {object}"),
    "escalate": deed("escalated {object}", "escalate {object}"),
    "approve": deed("approved for {object}", "approve for {object}"),
    "sign": deed("signed for {object}", "sign for {object}"),
    "attest": deed("attested for {object}", "attest for {object}"),
    "use": deed("used {object}", "use {object}"),
}
#: A part of an object, after the verb: "read the status of pod shop/web-1".
PARTS: Mapping[str, str] = {
    "status": "the status of {object}",
    "scale": "the scale of {object}",
    "log": "the log of {object}",
    "exec": "exec of {object}",
    "attach": "attach of {object}",
    "portforward": "ports of {object}",
    "proxy": "the proxy of {object}",
    "binding": "the node of {object}",
    "eviction": "the eviction of {object}",
    "ephemeralcontainers": "the debug containers of {object}",
    "resize": "the resources of {object}",
    "token": "the token of {object}",
    "approval": "the approval of {object}",
    "finalize": "the finalizers of {object}",
    "rollback": "the rollback of {object}",
    "instantiate": "an instance of {object}",
}
#: Parts that the verb `create` does not create.
CREATED_PART = deed("posted to {part}", "post to {part}")

_SESSION = deed("ran a command in {object}", "run a command in {object}")
_ATTACHED = deed("attached to {object}", "attach to {object}")
_FORWARDED = deed("forwarded ports of {object}", "forward ports of {object}")
_PROXIED = deed("went through the proxy of {object}", "go through the proxy of {object}")
_LOG = deed("read the log of {object}", "read the log of {object}")
_SCALED = deed("scaled {object}", "scale {object}")
_DEBUGGED = deed("put a debug container into {object}", "put a debug container into {object}")
_RESIZED = deed("resized {object}", "resize {object}")
_EVICTED = deed("evicted {object}", "evict {object}")
_ASSIGNED = deed("assigned {object} to a node", "assign {object} to a node")
_MINTED = deed("minted a token for {object}", "mint a token for {object}")
_DECIDED = deed("decided on {object}", "decide on {object}")
_FINALIZED = deed("finalized {object}", "finalize {object}")
_ROLLED_BACK = deed("rolled {object} back", "roll {object} back")
#: Subresources that are deeds of their own, by the verb; "*" for any: exec is `create` for SPDY clients and `get` for
#: WebSocket ones. https://kubernetes.io/docs/reference/using-api/api-concepts/
SUBRESOURCES: Mapping[tuple[str, str], Action] = {
    ("exec", "*"): _SESSION,
    ("attach", "*"): _ATTACHED,
    ("portforward", "*"): _FORWARDED,
    ("proxy", "*"): _PROXIED,
    ("log", "*"): _LOG,
    ("scale", "update"): _SCALED,
    ("scale", "patch"): _SCALED,
    ("ephemeralcontainers", "update"): _DEBUGGED,
    ("ephemeralcontainers", "patch"): _DEBUGGED,
    ("resize", "update"): _RESIZED,
    ("resize", "patch"): _RESIZED,
    ("eviction", "create"): _EVICTED,
    ("binding", "create"): _ASSIGNED,
    ("token", "create"): _MINTED,
    ("approval", "update"): _DECIDED,
    ("approval", "patch"): _DECIDED,
    ("finalize", "update"): _FINALIZED,
    ("finalize", "patch"): _FINALIZED,
    ("rollback", "create"): _ROLLED_BACK,
}
#: What is asked by creating something that is answered and never kept.
REVIEWS: Mapping[str, Action] = {
    "selfsubjectaccessreviews": deed("asked whether it may do something", "ask whether it may do something"),
    "selfsubjectrulesreviews": deed("asked what it may do", "ask what it may do"),
    "selfsubjectreviews": deed("asked who it is", "ask who it is"),
    "subjectaccessreviews": deed(
        "asked whether somebody may do something", "ask whether somebody may do something"
    ),
    "localsubjectaccessreviews": deed(
        "asked whether somebody may do something", "ask whether somebody may do something"
    ),
    "tokenreviews": deed("had a token checked", "have a token checked"),
}
_HEALTH = deed("asked whether the API server is well", "ask whether the API server is well")
_APIS = deed("asked which APIs there are", "ask which APIs there are")
_SCHEMA = deed("read the description of the API", "read the description of the API")
_KEYS = deed(
    "read the keys of service account tokens",
    "read the keys of service account tokens",
)
#: Paths that name no object, for reads; the first that fits. A path fits itself and what lies below it.
#: https://kubernetes.io/docs/reference/using-api/health-checks/
PATHS: tuple[tuple[str, Action], ...] = (
    ("/healthz", _HEALTH),
    ("/livez", _HEALTH),
    ("/readyz", _HEALTH),
    ("/version", deed("asked for the API server's version", "ask for the API server's version")),
    ("/openapi", _SCHEMA),
    ("/swagger.json", _SCHEMA),
    ("/swagger-2.0.0.pb-v1", _SCHEMA),
    ("/.well-known/openid-configuration", _KEYS),
    ("/openid/v1/jwks", _KEYS),
)
#: Whole paths only: below them lie objects.
DISCOVERY = ("/", "/api", "/apis", "/api/v1")
DISCOVERED = _APIS
