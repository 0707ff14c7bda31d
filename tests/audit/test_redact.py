from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from audit.redact import redact
from tests.shared_data import shared_data

#: Has the form of nothing: what finds it is its place, or what stands beside it.
CANARY = "c4naryXq7"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJzdWIiOiJjNG5hcnkifQ.c4naryXq7_signature"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----"


def an_event(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "eb0c3b95-b2df-484c-83a3-e6d4f7ac30a9",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web",
        "verb": "patch",
        "user": {"username": "alice@contoso.com", "groups": ["system:authenticated"]},
        "sourceIPs": ["20.1.2.3"],
        "userAgent": "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc",
        "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-03-04T09:35:31.000000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        **changes,
    }


def of(resource: str, subresource: str = "", **changes: Any) -> dict[str, Any]:
    reference = {"resource": resource, "subresource": subresource, "namespace": "shop", "name": "db"}
    return an_event(objectRef=reference, **changes)


def asking(body: Any) -> dict[str, Any]:
    return an_event(requestObject=body)


def of_container(**fields: Any) -> dict[str, Any]:
    return asking(
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1", **fields}]}}}}
    )


def patching(path: str, value: Any) -> dict[str, Any]:
    return asking([{"op": "replace", "path": path, "value": value}])


def saying(text: str) -> dict[str, Any]:
    return an_event(responseStatus={"code": 422, "message": text})


def at(uri: str) -> dict[str, Any]:
    return an_event(requestURI=uri)


EXEC = "/api/v1/namespaces/shop/pods/web-0/exec?container=web&stdin=true"
SECRET = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "db"}, "data": {"password": CANARY}}

#: An event with a secret in it, the rule that finds it, and what must still be there.
LEAKS: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    # R1
    "a secret's body": (of("secrets", requestObject=SECRET), "R1", ("Secret", "db")),
    "a secret's answer": (of("secrets", responseObject=SECRET), "R1", ("Secret", "db")),
    "a configmap": (of("configmaps", requestObject=SECRET | {"kind": "ConfigMap"}), "R1", ("ConfigMap",)),
    "a secret's patch": (of("secrets", requestObject=[{"op": "add", "path": "/x", "value": CANARY}]), "R1", ()),
    "a secret's patch as text": (of("secrets", requestObject=CANARY), "R1", ()),
    "a list of secrets": (of("secrets", responseObject={"kind": "SecretList", "items": [SECRET]}), "R1", ("SecretList",)),
    "a token review": (of("tokenreviews", requestObject={"spec": {"token": CANARY}}), "R1", ()),
    "a token request's answer": (
        of("serviceaccounts", "token", responseObject={"kind": "TokenRequest", "status": {"x": CANARY}}),
        "R1",
        ("TokenRequest",),
    ),
    "a token request's answer without a kind": (
        of("serviceaccounts", "token", responseObject={"status": {"x": CANARY}}),
        "R1",
        (),
    ),
    "a signing request": (of("certificatesigningrequests", requestObject={"spec": {"request": CANARY}}), "R1", ()),
    "an access review": (of("subjectaccessreviews", requestObject={"spec": {"extra": {"x": [CANARY]}}}), "R1", ()),
    "a secret without a reference": (
        an_event(objectRef=None, requestURI="/api/v1/namespaces/shop/secrets?x", requestObject=SECRET),
        "R1",
        ("/secrets",),
    ),
    "a secret within a list": (asking({"kind": "List", "items": [SECRET]}), "R1", ("Secret", "db")),
    "a token review elsewhere": (asking({"kind": "TokenReview", "spec": {"t": CANARY}}), "R1", ("TokenReview",)),
    "odd case": (of("Secrets", requestObject=SECRET), "R1", ()),
    # R2
    "data of an unknown kind": (asking({"kind": "Vault", "data": {"user": CANARY}}), "R2", ("user",)),
    "string data": (asking({"stringData": {"a": CANARY, "b": "x"}}), "R2", ('"a"', '"b"')),
    "binary data": (asking({"binaryData": {"a": CANARY}}), "R2", ('"a"',)),
    "data that is an object": (asking({"data": {"a": {"b": [CANARY]}}}), "R2", ('"a"',)),
    "data that is a string": (asking({"data": CANARY}), "R2", ()),
    "data deep inside": (asking({"spec": {"template": {"data": {"a": CANARY}}}}), "R2", ()),
    # R3
    "last applied": (
        asking({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}}}),
        "R3",
        ("last-applied-configuration",),
    ),
    "managed fields": (asking({"metadata": {"managedFields": [{"manager": CANARY}]}}), "R3", ("managedFields",)),
    # R4
    "an environment variable": (of_container(env=[{"name": "COLOUR", "value": CANARY}]), "R4", ("COLOUR", "nginx:1")),
    "an environment as a map": (of_container(env={"COLOUR": CANARY}), "R4", ("COLOUR",)),
    "an environment as text": (of_container(env=f"COLOUR={CANARY}"), "R4", ()),
    "an environment beside a reference": (
        of_container(
            env=[
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db-creds", "key": "password"}}},
                {"name": "B", "value": CANARY},
            ]
        ),
        "R4",
        ("db-creds", '"password"'),
    ),
    # R5
    "a flag and its value": (of_container(args=["--user", "bob", "--password", CANARY]), "R5", ("--user", "bob")),
    "a flag with =": (of_container(args=["--db-password=" + CANARY, "--port=80"]), "R10", ("--port=80",)),
    "a value stuck to -p": (of_container(command=["mysql", "-p" + CANARY]), "R5", ("mysql",)),
    "a value after -p": (of_container(command=["sshpass", "-p", CANARY, "ssh"]), "R5", ("sshpass", "ssh")),
    "a user with a password": (of_container(args=["curl", "-u", f"bob:{CANARY}"]), "R5", ("curl",)),
    "a shell's line": (of_container(command=["sh", "-c", f"mysql -h db -p{CANARY} x"]), "R5", ("mysql -h db",)),
    "a shell's line with a flag": (of_container(args=["sh", "-c", f"run --token {CANARY} --fast"]), "R5", ("--fast",)),
    "a quoted value": (of_container(args=[f"run --token '{CANARY} and more'"]), "R5", ("run",)),
    "a header": (of_container(args=["curl", "-H", f"Authorization: Token {CANARY}"]), "R10", ("curl",)),
    "an assignment": (of_container(args=[f"API_TOKEN={CANARY} ./run"]), "R10", ("./run",)),
    "a literal": (of_container(args=["kubectl", f"--from-literal=colour={CANARY}"]), "R5", ("kubectl",)),
    "a literal in two": (of_container(args=["kubectl", "--from-literal", f"colour={CANARY}"]), "R5", ("kubectl",)),
    "a command as text": (asking({"spec": {"command": f"run --password {CANARY}"}}), "R5", ("run",)),
    # R6
    "a password": (asking({"spec": {"password": CANARY}}), "R6", ()),
    "a compound name": (asking({"spec": {"dbpassword": CANARY}}), "R6", ()),
    "a name in capitals": (asking({"spec": {"CLIENT_SECRET": CANARY}}), "R6", ()),
    "an api key": (asking({"spec": {"apiKey": CANARY}}), "R6", ()),
    "a bare key": (asking({"spec": {"tls": {"key": CANARY}}}), "R6", ()),
    "a connection string": (asking({"spec": {"connectionString": CANARY}}), "R6", ()),
    "a list of tokens": (asking({"spec": {"tokens": [CANARY, CANARY]}}), "R6", ()),
    "a number": (asking({"spec": {"pwd": 90417732}}), "R6", ()),
    "a named value": (asking({"parameters": [{"name": "db-password", "value": CANARY}]}), "R6", ("db-password",)),
    "a probe's header": (of_container(headers=[{"name": "Authorization", "value": CANARY}]), "R6", ("Authorization",)),
    "an annotation": (an_event(annotations={"example.com/api-token": CANARY}), "R6", ("api-token",)),
    # R7
    "a patched environment": (patching("/spec/containers/0/env/0/value", CANARY), "R7", ("/env/0/value",)),
    "a patched argument": (patching("/spec/containers/0/args/1", CANARY), "R7", ()),
    "patched data": (patching("/data/colour", CANARY), "R7", ("/data/colour",)),
    "a patched password": (patching("/spec/dbPassword", {"x": CANARY}), "R7", ()),
    "a patched annotation": (
        patching("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", CANARY),
        "R7",
        (),
    ),
    "a patch of a whole container": (patching("/spec/c/0", {"env": [{"name": "A", "value": CANARY}]}), "R4", ()),
    # R8
    "an exec's flag": (at(f"{EXEC}&command=mysql&command=--password&command={CANARY}"), "R5", ("mysql",)),
    "an exec's shell": (at(f"{EXEC}&command=sh&command=-c&command={quote(f'mysql -p{CANARY}')}"), "R5", ("mysql",)),
    "an exec encoded twice": (at(f"{EXEC}&command={quote(quote(f'run --token {CANARY}'))}"), "R5", ("container=web",)),
    "a proxied path": (at(f"/api/v1/nodes/n/proxy/run/{CANARY}"), "R8", ("/api/v1/nodes/n/proxy/",)),
    "a proxied query": (at(f"/api/v1/namespaces/a/services/x:80/proxy?q={CANARY}"), "R8", ("services/x:80/proxy/",)),
    "an encoded proxy": (at(f"/api/v1/nodes/n%2Fproxy%2F{CANARY}"), "R8", ("/api/v1/nodes/n",)),
    "a query's token": (at(f"/oauth?access_token={CANARY}&limit=5"), "R8", ("limit=5",)),
    "a query's encoded name": (at(f"/oauth?access%5Ftoken={CANARY}&limit=5"), "R8", ("limit=5",)),
    # R9
    "a user's extra": (an_event(user={"username": "bob", "extra": {"x": [CANARY]}}), "R9", ("bob",)),
    "an impersonated extra": (an_event(impersonatedUser={"username": "eve", "extra": {"x": CANARY}}), "R9", ("eve",)),
    # R10
    "a JWT": (saying(f"bad {JWT} given"), "R10", ("bad", "given")),
    "a JWT as a username": (an_event(user={"username": JWT}), "R10", ()),
    "a JWT as a key": (asking({"x": {JWT: 1}}), "R10", ()),
    "a private key": (saying(f"bad {PEM} given"), "R10", ("bad", "given")),
    "a private key without an end": (saying(f"bad {PEM[:-20]}"), "R10", ("bad",)),
    "a bearer token": (saying(f"got Bearer {CANARY}=="), "R10", ("got",)),
    "basic credentials": (saying(f"basic {CANARY}"), "R10", ()),
    "a URL's password": (saying(f"amqp://bob:{CANARY}@mq.shop:5672/x failed"), "R10", ("bob", "mq.shop:5672/x failed")),
    "a URL's password with a slash": (saying(f"amqp://bob:a/{CANARY}@mq failed"), "R10", ("failed",)),
    "a URL's password with an @": (saying(f"amqp://bob:a@{CANARY}@mq failed"), "R10", ("mq failed",)),
    "an account key": (saying(f"AccountName=shop;AccountKey={CANARY}==;"), "R10", ("AccountName=shop",)),
    "a signature": (saying(f"https://x.blob.core.windows.net/y?sv=2022&sig={CANARY}"), "R10", ("sv=2022",)),
    "a value in JSON that is cut": (saying(f'{{"user":"bob","password":"{CANARY}","x":'), "R10", ("bob",)),
    "a value in escaped JSON": (saying(f'was \\"password\\":\\"{CANARY}\\"'), "R10", ("was",)),
    "a cookie": (saying(f"Cookie: a=b; session={CANARY}"), "R10", ()),
    "a cookie with quotes": (saying(f'Cookie: a="{CANARY}"; b=x'), "R10", ()),
    "a quoted header": (saying(f"-H 'Authorization: x {CANARY}' https://host"), "R10", ("https://host",)),
    "a value after a harmless one": (saying(f"a=b=c=password={CANARY}"), "R10", ("a=b=c=password=",)),
    "a token within a value": (saying(f"password={JWT}${CANARY}"), "R10", ("password=",)),
    "a flag after a flag": (of_container(args=[f"run --quiet --token {CANARY}"]), "R5", ("--quiet",)),
    "a value named token: Bearer": (saying(f"token: Bearer {CANARY}"), "R10", ()),
    "an AWS key": (saying("AKIAC4NARYXQ7AAAAAAA"), "R10", ()),
    "a GitHub token": (saying("ghp_" + CANARY * 4), "R10", ()),
    "a GitLab token": (saying("glpat-" + CANARY * 2), "R10", ()),
    "a Slack token": (saying("xoxb-" + CANARY * 2), "R10", ()),
    "an Entra secret": (saying("abc8Q~" + CANARY * 4), "R10", ()),
    # R11
    "JSON in a string": (asking({"x": json.dumps({"a": {"password": CANARY}})}), "R6", ()),
    "JSON in JSON": (asking({"x": json.dumps([json.dumps({"data": {"a": CANARY}})])}), "R2", ()),
    "a webhook's patch": (
        an_event(
            annotations={
                "patch.webhook.admission.k8s.io/round_0_index_0": json.dumps(
                    {"webhook": "inject", "patch": [{"op": "add", "path": "/spec/env", "value": [{"x": CANARY}]}]}
                )
            }
        ),
        "R7",
        ("inject",),
    ),
    "a key said twice": (asking({"x": f'{{"password":"{CANARY}","password":""}}'}), "", ()),
}  # fmt: skip


def as_text(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False)


def leaks(text: str) -> bool:
    """Whether any piece of the canary that is long enough to be one is in the text."""
    return any(piece in text.casefold() for piece in (CANARY.casefold(), "90417732"))


@pytest.mark.parametrize("case", LEAKS)
def test_a_secret_stays_behind_and_names_are_kept(case: str) -> None:
    event, rule, kept = LEAKS[case]
    assert leaks(as_text(event)), "the case has no canary"
    redacted = redact(event)
    text = as_text(redacted.event)
    assert not leaks(text), text
    for name in kept:
        assert name in text
    assert (rule in redacted.rules) if rule else True
    assert (redacted.count > 0) == bool(rule)


@pytest.mark.parametrize("case", LEAKS)
def test_redacting_again_changes_nothing(case: str) -> None:
    once = redact(LEAKS[case][0]).event
    assert redact(once).event == once


@pytest.mark.parametrize("case", LEAKS)
def test_what_is_given_is_left_alone(case: str) -> None:
    event = LEAKS[case][0]
    before = as_text(event)
    redact(event)
    assert as_text(event) == before


HARMLESS: dict[str, Any] = {
    "names of secrets": {
        "spec": {
            "volumes": [{"name": "tls", "secret": {"secretName": "db-creds", "defaultMode": 420}}],
            "serviceAccountName": "token-cleaner",
            "automountServiceAccountToken": False,
            "imagePullSecrets": [{"name": "registry-key"}],
            "containers": [
                {
                    "name": "web",
                    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
                    "envFrom": [{"secretRef": {"name": "more"}}],
                    "args": [
                        "--port=80",
                        "-p",
                        "8080:80",
                        "--v=2",
                        "-path=/data",
                        "--rotate-token",
                        "--verbose",
                    ],
                    "volumeMounts": [{"name": "tls", "mountPath": "/var/run/secrets/x"}],
                }
            ],
        }
    },
    "labels, taints and affinities": {
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"key": "x", "effect": "NoSchedule"},
        ],
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["coredns"]}],
        "topologyKey": "kubernetes.io/hostname",
        "items": [{"key": "tls.crt", "path": "cert"}],
        "sessionAffinity": "ClientIP",
    },
    "a projected token": {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
    "rules of a role": {
        "rules": [{"apiGroups": [""], "resources": ["secrets", "pods/exec"], "verbs": ["get"]}]
    },
    "a reference to a secret": {
        "involvedObject": {"kind": "Secret", "name": "db-creds", "namespace": "shop"}
    },
    "a replica count": [{"op": "replace", "path": "/spec/replicas", "value": 3}],
    "a patched secret's name": [
        {"op": "replace", "path": "/spec/volumes/0/secret/secretName", "value": "db"}
    ],
    "what AKS leaves out": "skipped-too-big-size-object",
    "numbers and nothing": {
        "a": 1,
        "b": 1.5,
        "c": None,
        "d": True,
        "e": [],
        "f": {},
        "g": "",
        "password": "",
    },
    "a URL": {"image": "https://registry.example:5000/app@sha256:0123", "url": "ssh://git@example.com/x"},
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_identifies_is_not_taken_for_a_secret(case: str) -> None:
    event = asking(HARMLESS[case])
    redacted = redact(event)
    assert redacted.event == event
    assert (redacted.count, redacted.rules) == (0, frozenset())


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {"username": "system:serviceaccount:secrets:token-cleaner", "uid": "token=x"}},
        {"user": {"username": "https://idp:alice@contoso.com"}},
        {"user": {"username": "CN=bob,O=password: x"}},
        {"objectRef": {"resource": "secrets", "namespace": "auth", "name": "token=abc", "subresource": ""}},
        {
            "annotations": {
                "authorization.k8s.io/decision": "forbid",
                "authorization.k8s.io/reason": "no rule",
            }
        },
        {
            "annotations": {
                "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "token-x/y" of Role "secret"',
                "authentication.kubernetes.io/credential-id": "JTI=4f2c",
            }
        },
        {
            "responseStatus": {
                "code": 409,
                "reason": "AlreadyExists",
                "message": 'secrets "db-token" already exists',
            }
        },
        {"responseStatus": {"message": 'User "system:serviceaccount:auth:x" cannot get resource "secrets"'}},
        {"requestURI": "/api/v1/secrets?fieldSelector=metadata.name%3Ddb-creds&limit=500&timeoutSeconds=30"},
        {"requestURI": "/api/v1/namespaces/a/pods/kube-proxy-x/log?container=kube-proxy&follow=true"},
        {"requestURI": "/api/v1/namespaces/a/pods/b/exec?command=ls&command=-la&command=%2Fdata"},
    ],
)
def test_who_did_what_to_which_object_is_kept(changes: dict[str, Any]) -> None:
    event = an_event(**changes)
    assert redact(event).event == event


def test_every_real_event_keeps_what_identifies_it() -> None:
    lines = shared_data("audit/events.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 157
    for line in lines:
        event = json.loads(line)["event"]
        cleaned = redact(event).event
        for key in ("auditID", "stage", "verb", "level", "requestURI", "sourceIPs", "userAgent", "objectRef"):
            assert cleaned.get(key) == event.get(key)
        for key in ("annotations", "responseStatus", "requestReceivedTimestamp"):
            assert cleaned.get(key) == event.get(key)
        for who in ("user", "impersonatedUser"):
            assert without_extra(cleaned.get(who)) == without_extra(event.get(who))
        assert redact(cleaned).event == cleaned


def without_extra(user: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (user or {}).items() if key != "extra"}
