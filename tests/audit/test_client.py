from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.client import CLIENTS, client_of, is_public, trusted_address


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("kubectl/v1.31.4 (darwin/arm64) kubernetes/a78aa47", "kubectl 1.31"),
        ("kubectl.exe/v1.28.2 (windows/amd64) kubernetes/89a4ea3", "kubectl 1.28"),
        ("kubectl/v1.24.0-alpha.1 (linux/amd64) kubernetes/x", "kubectl 1.24"),
        ("kubectl", "kubectl"),
        ("kubelet/v1.27.4+2c83a9f (linux/amd64) kubernetes/bbf96b6", "kubelet 1.27"),
        ("Helm/3.14.2", "Helm 3.14.2"),
        ("argocd-application-controller/v2.9.3 (linux/amd64) kubernetes/$Format", "Argo CD 2.9.3"),
        ("kustomize-controller/v1.2.1 (linux/amd64) kubernetes/x", "Flux kustomize-controller 1.2.1"),
        ("HashiCorp/1.0 Terraform/1.6.6", "Terraform"),
        ("terraform-provider-kubernetes/2.25", "Terraform 2.25"),
        ("Lens/6.5.2", "Lens 6.5.2"),
        ("k9s/v0.32.7", "k9s 0.32.7"),
        ("curl/8.4.0", "curl 8.4.0"),
        ("python-requests/2.31.0", "Python requests 2.31.0"),
        ("OpenAPI-Generator/28.1.0/python", "OpenAPI client 28.1.0"),
        ("Kubernetes Java Client/18.0.0", "Java client 18.0.0"),
        ("Go-http-client/2.0", "Go client"),
        ("Mozilla/5.0 (X11; Linux x86_64) Safari/537.36", "web browser"),
        (
            "kube-controller-manager/v1.17.3 (linux/amd64) x/tokens-controller",
            "kube-controller-manager 1.17.3",
        ),
        ("kube-probe/1.28", "kubelet probe 1.28"),
        ("Custom-AsyncHttpClient", ""),
        ("ELB-HealthChecker/2.0", ""),
        ("", ""),
        ("/v1.2", ""),
        ("kubectl2/v1.31", ""),
        ("xkubectl/v1.31", ""),
        ("kubectl/[click](https://evil.example)", "kubectl"),
        ("kubectl/v" + "9" * 1000, "kubectl 999999"),
    ],
)
def test_a_client_is_known_by_its_user_agent(agent: str, client: str) -> None:
    assert client_of(agent) == client


@given(st.text() | st.sampled_from(sorted(CLIENTS)).flatmap(lambda name: st.text().map(name.__add__)))
def test_any_user_agent_is_a_known_program_or_nothing(agent: str) -> None:
    found = client_of(agent)
    assert found == "" or any(
        found == name or found.removeprefix(name).strip(" .0123456789") == "" for name in CLIENTS.values()
    )


@pytest.mark.parametrize(
    "agent", ["a-" * 500_000, "kubectl/" + "1." * 500_000, " " * 1_000_000, "-" * 1_000_000]
)
def test_a_very_long_user_agent_costs_nothing_special(agent: str) -> None:
    assert client_of(agent) in {"", "kubectl 1.1"}


def test_the_last_address_is_the_one_that_nobody_can_forge() -> None:
    assert trusted_address(("1.1.1.1", "10.0.0.1")) == "10.0.0.1"
    assert trusted_address(()) == ""


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("20.1.2.3", True),
        ("20.1.2.3:443", True),
        ("2603:1020::1", True),
        ("[2603:1020::1]:443", True),
        ("::ffff:20.1.2.3", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("172.31.37.156", False),
        ("192.168.99.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("", False),
        ("20.1.2", False),
        ("20.1.2.3 ", True),
        ("no address", False),
        ("1" * 1000, False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert is_public(address) is public


@given(st.text())
def test_any_text_is_public_or_not(address: str) -> None:
    assert is_public(address) in {True, False}
