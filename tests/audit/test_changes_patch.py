from __future__ import annotations

import json
from typing import Any

import pytest

from audit.changes import what_changed
from audit.evidence import ChangeKind
from tests.audit.change_events import IMAGE_ALONE, a_user, changed, deployment

JSON_PATCH = [
    {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:2"},
    {"op": "add", "path": "/metadata/labels", "value": {"tier": "front"}},
    {"op": "test", "path": "/spec/replicas", "value": 2},
]


@pytest.mark.parametrize(
    ("body", "query", "kind"),
    [
        (JSON_PATCH, "", ChangeKind.JSON_PATCH),
        (IMAGE_ALONE, "", None),
        (IMAGE_ALONE, "fieldManager=kubectl-patch", None),
        (IMAGE_ALONE, "fieldManager=kubectl-set", ChangeKind.STRATEGIC_PATCH),
        (IMAGE_ALONE, "fieldManager=kubectl-label", ChangeKind.MERGE_PATCH),
        ({"spec": {"$retainKeys": ["type"]}}, "", ChangeKind.STRATEGIC_PATCH),
        ({"spec": {"list": [{"$patch": "delete", "name": "a"}]}}, "", ChangeKind.STRATEGIC_PATCH),
        ({"spec": {"$setElementOrder/containers": []}}, "", ChangeKind.STRATEGIC_PATCH),
        ({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, "", ChangeKind.STRATEGIC_PATCH),
        (deployment(), "fieldManager=flux&force=true", ChangeKind.APPLY),
        (deployment(), "fieldManager=kubectl&fieldValidation=Strict&force=false", ChangeKind.APPLY),
        (deployment(), "fieldManager=flux", ChangeKind.APPLY),
        (deployment(), "", None),
    ],
)
def test_kinds_of_patches_are_told_apart_as_far_as_they_can_be(
    body: Any, query: str, kind: ChangeKind | None
) -> None:
    assert what_changed(changed("patch", "deployments", body, query=query), None).kind is kind


def test_a_custom_resource_knows_no_strategic_merge_patch() -> None:
    event = changed("patch", "gateways", {"spec": {"a": 1}})
    assert what_changed(event, None).kind is ChangeKind.MERGE_PATCH


def test_managed_fields_prove_whether_it_was_server_side_apply() -> None:
    for operation, kind in (("Apply", ChangeKind.APPLY), ("Update", None)):
        answer = deployment()
        answer["metadata"]["managedFields"] = [{"manager": "flux", "operation": operation}]
        event = changed("patch", "deployments", deployment(), query="fieldManager=flux", answer=answer)
        assert what_changed(event, None).kind is kind


def a_state() -> dict[str, Any]:
    state = deployment(env=[{"name": "A", "value": "1"}])
    state["metadata"]["finalizers"] = ["keep", "wait"]
    state["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    return state


def a_containers_patch(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers), **more}}}}


@pytest.mark.parametrize(
    ("body", "query", "told"),
    [
        (JSON_PATCH, "", ("~ image of web: web:1 → web:2", "+ label tier: front")),
        ({"spec": {"replicas": 5, "paused": None}}, "", ("~ replicas: 2 → 5",)),
        (IMAGE_ALONE, "fieldManager=kubectl-set", ("~ image of web: web:1 → web:2",)),
        (
            a_containers_patch({"name": "side", "$patch": "delete"}),
            "",
            ("- image of side: side:1",),
        ),
        (
            a_containers_patch({"name": "web", "image": "web:1", "env": [{"name": "A", "$patch": "delete"}]}),
            "",
            ("- env A of web",),
        ),
        (
            a_containers_patch({"$patch": "replace"}, {"name": "new", "image": "new:1"}),
            "",
            (
                "+ image of new: new:1",
                "- image of web: web:1",
                "- image of side: side:1",
                "- env A of web",
            ),
        ),
        (
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["keep"], "finalizers": ["more"]}},
            "",
            ("+ finalizer more", "- finalizer keep"),
        ),
        (
            a_containers_patch({"name": "web", "image": "web:2"}),
            "fieldManager=kubectl-label",
            ("~ image of web: web:1 → web:2", "- image of side: side:1", "- env A of web"),
        ),
        (deployment(image="web:3"), "fieldManager=flux&force=true", ("~ image of web: web:1 → web:3",)),
    ],
)
def test_a_patch_is_applied_to_the_state_before(body: Any, query: str, told: tuple[str, ...]) -> None:
    before = a_state()
    kept = json.dumps(before)
    change = what_changed(changed("patch", "deployments", body, query=query), before)
    assert change.lines == told
    assert change.compared
    assert json.dumps(before) == kept


def test_what_apply_takes_away_only_the_answer_tells() -> None:
    event = changed(
        "patch", "deployments", deployment(), query="fieldManager=flux&force=true", answer=deployment()
    )
    assert "- image of side: side:1" in what_changed(event, a_state()).lines


def test_lists_of_a_patch_of_unknown_kind_are_not_guessed() -> None:
    change = what_changed(changed("patch", "deployments", IMAGE_ALONE), a_state())
    assert change.lines == ("~ image of web: now web:2",)
    assert not change.compared
    answered = changed("patch", "deployments", IMAGE_ALONE, answer=deployment(image="web:2"))
    assert what_changed(answered, deployment()).compared


def test_a_patch_without_the_state_before_tells_what_it_sets() -> None:
    change = what_changed(changed("patch", "deployments", JSON_PATCH), None)
    assert change.lines == ("~ image of container 0: now web:2", "~ label tier: now front")
    assert not change.compared
    ops = [
        {"op": "add", "path": "/subjects/-", "value": a_user("eve")},
        {"op": "remove", "path": "/metadata/labels/a~1b"},
        {"op": "copy", "from": "/metadata/name", "path": "/metadata/labels/c"},
    ]
    assert what_changed(changed("patch", "clusterrolebindings", ops), None).lines == (
        "+ subject User eve",
        "- label a/b",
        "~ label c: now copied from metadata.name",
    )
    ops = [{"op": "remove", "path": ""}, {"op": "replace", "path": "", "value": {"spec": {"replicas": 1}}}]
    assert what_changed(changed("patch", "deployments", ops), None).lines == (
        "- (the object)",
        "~ (the object).spec.replicas: now 1",
    )
    merge = {"spec": {"replicas": 0, "paused": None}, "metadata": {"annotations": {"password": "hunter2"}}}
    assert what_changed(changed("patch", "deployments", merge), None).lines == (
        "~ replicas: now 0",
        "- spec.paused",
        "~ annotation password: set",
    )


def test_a_json_patch_that_does_not_fit_or_would_grow_without_end_is_told_alone() -> None:
    bomb = [{"op": "copy", "from": "/metadata", "path": f"/metadata/x{n}"} for n in range(40)]
    for ops in ([{"op": "remove", "path": "/not/there"}], bomb, [{"op": "odd"}, 3, None]):
        assert not what_changed(changed("patch", "deployments", ops), deployment()).compared
