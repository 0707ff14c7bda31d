"""What looks like a secret: by the name it stands under, and by its own form."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

#: Strings are cut to this before any pattern sees them: it bounds what hostile text can cost.
MAX_TEXT = 2048


class Why(StrEnum):
    """Why something was redacted: a closed list, so that our own marks are known from the text around them."""

    BODY = "body of a sensitive resource"
    DATA = "secret data"
    LAST_APPLIED = "last applied configuration"
    MANAGED_FIELDS = "managed fields"
    ENVIRONMENT = "environment variable"
    ARGUMENT = "argument"
    NAME = "value of that name"
    PATCH = "patched value"
    PROXY = "proxied request"
    EXTRA = "user extra"
    TOKEN = "token"  # noqa: S105
    KEY = "key or certificate"
    CREDENTIALS = "credentials"

    @property
    def mark(self) -> str:
        return f"[redacted: {self}]"


MARKS = frozenset(why.mark for why in Why)


@dataclass
class Tally:
    """What was redacted so far."""

    count: int = 0
    rules: set[str] = field(default_factory=set)

    def mark(self, rule: str, why: Why) -> str:
        """Count one redaction and return what stands in its place."""
        self.count += 1
        self.rules.add(rule)
        return why.mark


# --- names (R6) ------------------------------------------------------------------------------------

#: Enough wherever they stand in a name, also in compounds such as "dbpassword".
_STRONG = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|apikey|accesskey|privatekey|accountkey|pwd|cookie"
    r"|connectionstring|connstr|bearer|authorization|signature"
    r"|(?:pg|db|sql|root|admin|user|redis|mongo|smtp|ldap|ssh|http|proxy)pass(?:\d|$)"
)
#: Enough only as a word of its own: "author", "disaster" and "bypass" are none.
_WEAK = frozenset(
    "pass key keys auth session sas dsn conn cred creds jwt sig otp psk salt".split()  # noqa: SIM905 - to be read
)
_SAFE_NAMES = frozenset(("credential-id", "sessionaffinity", "topologykey"))
#: A name that ends so tells of the secret's name or kind, not the secret.
_SAFE_ENDS = frozenset(
    ("name", "names", "namespace", "ref", "refs", "kind", "type", "class", "version", "seconds")
)
_WORDS = re.compile(r"[A-Z]++(?![a-z])|[A-Z]?[a-z]++|[0-9]++")


def is_secret_name(name: str) -> bool:
    """Whether a value under this name is taken for a secret (rule R6).

    Of an annotation's or label's key only what follows its prefix counts.
    """
    words = _words(name)
    return not is_reference_name(name) and bool(_STRONG.search("".join(words)) or not _WEAK.isdisjoint(words))


def is_reference_name(name: str) -> bool:
    """Whether a value under this name only tells what something is called, such as secretName."""
    words = _words(name)
    return _last_part(name).casefold() in _SAFE_NAMES or (words[-1:] != [] and words[-1] in _SAFE_ENDS)


def _last_part(name: str) -> str:
    return name[:MAX_TEXT].rsplit("/", 1)[-1]


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORDS.findall(_last_part(name))]


# --- text (R10, R12) ---------------------------------------------------------------------------------

CUT = "[cut: longer than 2 KiB]"
_LONGEST_WORD = 200

_ANY_MARK = "|".join(re.escape(mark) for mark in sorted(MARKS))
#: One value in a text: a mark of ours, something quoted, or all up to the next space.
_VALUE = re.compile(rf"""{_ANY_MARK}|\\*+"[^"]*+(?:"|$)|\\*+'[^']*+(?:'|$)|\S++""")

# Every pattern starts at something rare, or cannot start inside its own match, and never gives back:
# without that, 200 KB of "a" took minutes.
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}+-----.*?(?:-----END [A-Z0-9 ]{1,40}+-----|\Z)", re.DOTALL)
_HEADER = re.compile(
    r"(?<![\w-])(?:(?:proxy-)?authorization|(?:set-)?cookie|x-(?:[a-z]{1,20}-){0,3}(?:key|token|auth|secret))\s{0,4}:\s{0,4}",
    re.IGNORECASE,
)
#: A header ends with its line, or with the quote that it began with.
_LINE = {quote: re.compile(rf"{_ANY_MARK}|[^\r\n{quote}]++") for quote in ("", '"', "'")}
_USER = re.compile(r"(?<=://)((?:[^\s/?#@]*+@)++)")
_SLASH_IN_PASSWORD = re.compile(r"(?<=://)([^\s:/@]{0,256}+:)(?!\d{1,5}(?:[/?#\s]|$))([^\s@]{1,256}+)(?=@)")
_SCHEME = re.compile(r"(?<![\w-])(?:bearer|basic)\s{1,4}", re.IGNORECASE)
_SHORTEST_TOKEN = 8
_TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        eyJ[\w-]{5,}+(?:\.[\w-]*+){0,2}                                         # JSON Web Token
      | (?:AKIA|ASIA)[A-Z0-9]{12,}+ | AIza[\w-]{20,}+                            # AWS, Google
      | gh[pousr]_[A-Za-z0-9]{10,}+ | github_pat_\w{10,}+ | glpat-[\w-]{8,}+     # GitHub, GitLab
      | xox[a-z]-[\w-]{8,}+ | [rs]k_(?:live|test)_\w{8,}+ | npm_[A-Za-z0-9]{20,}+
    )
    | [\w~.-]{3}\dQ~[\w~.-]{20,}+                                                # Entra client secret
    """,
    re.VERBOSE,
)
_PEM_IN_BASE64 = re.compile(r"LS0tLS1CRUdJTi[\w+/=]*+")
#: What stands before the value in name=value, name: value and "name":"value"; the quotes may be escaped.
_NAMED = re.compile(r"""(?<![\w.-])([\w.-]++)(\\*+["']?\s{0,4}(?:={1,3}|:=?)>?\s{0,4})""")
_NO_SECRETS = frozenset(("authentication", "authorization"))


def cut(text: str) -> str:
    """Return the text with at most MAX_TEXT characters, saying so where it was longer (rule R12)."""
    if len(text) <= MAX_TEXT:
        return text
    kept = text.removesuffix(CUT)[: MAX_TEXT - len(CUT)]
    # Half a word could be half a secret that no pattern knows any more.
    space = max(map(kept.rfind, " \n\"',;"))
    kept = kept[: space + 1] if space > len(kept) - _LONGEST_WORD else kept
    if kept.rfind("[redacted") > kept.rfind("]"):
        kept = kept[: kept.rfind("[redacted")]
    return kept + CUT


def without_tokens(text: str, tally: Tally) -> str:
    """Redact only what is a secret by its own form: keys and tokens. Fit for names of people and objects."""
    return cut(_TOKEN.sub(lambda _: tally.mark("R10", Why.TOKEN), _without_keys(text, tally)))


def without_secrets(text: str, tally: Tally) -> str:
    """Redact also what its surroundings tell to be a secret: in URLs, headers and name=value pairs (rule R10)."""
    # The widest first: what a narrow one leaves of a value would stand there without its name.
    mark = partial(tally.mark, "R10", Why.CREDENTIALS)
    text = without_values(text, _HEADER, always, mark, value_after=_rest_of_line)
    text = _without_keys(text, tally)
    text = without_values(text, _SCHEME, always, partial(tally.mark, "R10", Why.TOKEN), is_secret=_is_token)
    text = _USER.sub(lambda m: _without_password(m[1][:-1], tally), text)
    text = _SLASH_IN_PASSWORD.sub(lambda m: m[1] + mark(), text)
    text = without_values(text, _NAMED, _names_secret, mark)
    return without_tokens(text, tally)


def _value(before: re.Match[str]) -> re.Match[str] | None:
    return _VALUE.match(before.string, before.end())


def _rest_of_line(before: re.Match[str]) -> re.Match[str] | None:
    opening = before.string[: before.start()][-1:]
    return _LINE[opening if opening in _LINE else ""].match(before.string, before.end())


def always(*_: object) -> bool:
    return True


def _is_token(_before: re.Match[str], value: str) -> bool:
    return len(value) >= _SHORTEST_TOKEN and value.casefold() not in _NO_SECRETS


def _names_secret(before: re.Match[str]) -> bool:
    # "system:serviceaccount:secrets:default" is a name, so a bare colon needs a quote or a space.
    return before[2] != ":" and is_secret_name(before[1])


def _without_keys(text: str, tally: Tally) -> str:
    for pattern in (_PEM, _PEM_IN_BASE64):
        text = pattern.sub(lambda _: tally.mark("R10", Why.KEY), cut(text))
    return text


def without_values(
    text: str,
    introduction: re.Pattern[str],
    introduces: Callable[[re.Match[str]], bool],
    mark: Callable[[], str],
    *,
    is_secret: Callable[[re.Match[str], str], bool] = always,
    value_after: Callable[[re.Match[str]], re.Match[str] | None] = _value,
) -> str:
    """Put a mark in the place of each value after an introduction, if both tests say so.

    A value that is no secret may itself introduce the next one.
    """
    text = cut(text)
    kept: list[str] = []
    at = 0
    while before := introduction.search(text, at):
        kept.append(text[at : before.end()])
        at = before.end()
        # The value is looked at only now: long ones after many harmless names would cost their product.
        value = value_after(before) if introduces(before) else None
        if value and is_secret(before, value.group()):
            kept.append(value.group() if value.group() in MARKS else mark())
            at = value.end()
    return cut("".join((*kept, text[at:])))


def _without_password(userinfo: str, tally: Tally) -> str:
    user, colon, password = userinfo.partition(":")
    if colon and password:
        return f"{user}:{tally.mark('R10', Why.CREDENTIALS)}@"
    if len(user) >= 20:  # noqa: PLR2004 - a token in the place of the user
        return f"{tally.mark('R10', Why.CREDENTIALS)}@"
    return f"{userinfo}@"
