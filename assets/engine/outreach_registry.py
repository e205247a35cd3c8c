"""Registries of outreach: what each reported outcome does, words for it, channels and consents, and states' policies.

They are reviewed data, read from `outreach_outcomes.yaml`, `contact_words.yaml` and `sensitive_policy.yaml` of
`data_contracts/`. Words are compared by their letters and digits alone, as `core.outcome_word` and its kin read them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from assets.engine.errors import SettingsError
from assets.engine.registry_file import Entry, read_yaml, refusal


class OutreachOutcome(Entry):
    """What one outcome code does."""

    title: str
    attempt: bool = False
    live: bool = False
    hold: Literal["declined", "pending", "unable_to_reach", "duplicate"] | None = None
    closes_as: Literal["documented", "reported"] | None = None
    ends_as: Literal["documented", "reported", "declined"] | None = None
    binding: bool = False
    loss: bool = False
    remembered: bool = False
    lifts: bool = False
    offered: bool = True
    pays: Literal["completed", "attempted"] | None = None
    also: tuple[Annotated[str, Field(pattern="^[A-Z0-9_]*[A-Z0-9][A-Z0-9_]*$")], ...] = ()


Channel = Literal["phone", "mail", "other", "every", "none"]
Word = Annotated[str, Field(pattern="^[a-z0-9]+$")]


class ConsentScope(Entry):
    """What a consent may be to."""

    holds_all: bool = False
    words: tuple[Word, ...] = ()


class ContactWords(Entry):
    """`data_contracts/contact_words.yaml`."""

    channels: dict[Channel, tuple[Word, ...]]
    scopes: dict[Annotated[str, Field(pattern="^[a-z0-9_]+$")], ConsentScope]


class SensitiveClass(Entry):
    """The gaps of one sensitive class."""

    codes: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    is_pregnancy_dependent: bool = False


class StatePolicy(Entry):
    """What one state keeps off every list."""

    withhold: tuple[str, ...] = Field(min_length=1)


class SensitivePolicy(Entry):
    """`data_contracts/sensitive_policy.yaml`."""

    classes: dict[str, SensitiveClass]
    states: dict[Annotated[str, Field(pattern="[A-Z]{2}")], StatePolicy]


@cache
def read_outreach_outcomes() -> dict[str, OutreachOutcome]:
    """Outcomes by code.

    Raises:
        SettingsError: The file says something that is not allowed.
    """
    return check_outreach_outcomes(read_yaml("outreach_outcomes.yaml"))


def check_outreach_outcomes(content: dict[str, Any]) -> dict[str, OutreachOutcome]:
    """The outcomes of a file's content.

    Raises:
        SettingsError: It says something that is not allowed, or a word means two codes.
    """
    outcomes = {}
    for code, entry in content.items():
        try:
            outcome = outcomes[code] = OutreachOutcome.model_validate(entry)
        except ValidationError as error:
            raise refusal("outreach_outcomes.yaml", error, code) from error
        if outcome.lifts and outcome.also:
            raise SettingsError(
                f"outreach_outcomes.yaml: {code}.also: found {list(outcome.also)}; what lifts has no other word"
            )
    words_of("outreach_outcomes.yaml", ((code, (code, *outcome.also)) for code, outcome in outcomes.items()))
    return outcomes


@cache
def read_contact_words() -> ContactWords:
    """Words of channels and of scopes.

    Raises:
        SettingsError: The file says something that is not allowed, or a word means two things.
    """
    return check_contact_words(read_yaml("contact_words.yaml"))


def check_contact_words(content: Any) -> ContactWords:
    """The words of a file's content.

    Raises:
        SettingsError: It says something that is not allowed, or a word means two things.
    """
    try:
        words = ContactWords.model_validate(content)
    except ValidationError as error:
        raise refusal("contact_words.yaml", error) from error
    words_of("contact_words.yaml: channels", words.channels.items())
    words_of("contact_words.yaml: scopes", scope_words(words).items())
    return words


def scope_words(words: ContactWords) -> dict[str, tuple[str, ...]]:
    """What each scope is called, its own name included."""
    return {name: (name, *scope.words) for name, scope in words.scopes.items()}


def words_of(where: str, meanings: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Letters and digits of each word -> what it means.

    Raises:
        SettingsError: A word means two things, or is told twice.
    """
    found: dict[str, str] = {}
    for meaning, words in meanings:
        for word in words:
            letters = re.sub("[^A-Za-z0-9]", "", word)
            if letters in found:
                raise SettingsError(
                    f"{where}: found {word!r} for {meaning} beside {found[letters]}; one meaning of a word is expected"
                )
            found[letters] = meaning
    return found


@cache
def read_sensitive_policy() -> SensitivePolicy:
    """Sensitive classes and what states keep off lists.

    Raises:
        SettingsError: The file says something that is not allowed, or a state names a class that is not there.
    """
    try:
        policy = SensitivePolicy.model_validate(read_yaml("sensitive_policy.yaml"))
    except ValidationError as error:
        raise refusal("sensitive_policy.yaml", error) from error
    refuse_unknown_classes(policy)
    return policy


def refuse_unknown_classes(policy: SensitivePolicy) -> None:
    """Refuse a state that withholds a class which the file does not define.

    Raises:
        SettingsError: One does.
    """
    for state, rules in policy.states.items():
        if unknown := sorted(set(rules.withhold) - policy.classes.keys()):
            raise SettingsError(
                f"sensitive_policy.yaml: states.{state}: found {unknown}; classes are {sorted(policy.classes)}"
            )


def withheld_gaps(policy: SensitivePolicy, dependent_codes: Iterable[str]) -> list[tuple[Any, ...]]:
    """State, class, and the code or the subject that the state keeps off lists."""
    dependent = sorted(dependent_codes)
    return [
        (state, name, code, subject)
        for state, rules in sorted(policy.states.items())
        for name in sorted(rules.withhold)
        for code, subject in [
            *((c, None) for c in sorted(policy.classes[name].codes)),
            *((c, None) for c in dependent if policy.classes[name].is_pregnancy_dependent),
            *((None, s) for s in sorted(policy.classes[name].subjects)),
        ]
    ]


def outcome_rows() -> list[tuple[Any, ...]]:
    """The rows of `raw.outreach_outcome_code`, in its contract's column order."""
    return [
        (
            code, o.title, o.attempt, o.live, o.hold, o.closes_as, o.ends_as, o.binding, o.loss, o.remembered, o.lifts
        )
        for code, o in sorted(read_outreach_outcomes().items())
    ]  # fmt: skip


@cache
def meant_outcome(text: str) -> str | None:
    """The registered code that a text means, as `core.outcome_word` reads it; None where nobody registered it."""
    return dict(alias_rows()).get(re.sub("[^A-Z0-9]", "", text.upper().partition("(")[0]))


def alias_rows() -> list[tuple[Any, ...]]:
    """The rows of `raw.outcome_alias`."""
    meanings = ((code, (code, *outcome.also)) for code, outcome in read_outreach_outcomes().items())
    return sorted(words_of("outreach_outcomes.yaml", meanings).items())


def channel_rows() -> list[tuple[Any, ...]]:
    """The rows of `raw.channel_word`."""
    return sorted(words_of("contact_words.yaml: channels", read_contact_words().channels.items()).items())


def scope_rows() -> list[tuple[Any, ...]]:
    """The rows of `raw.consent_word`."""
    words = read_contact_words()
    found = words_of("contact_words.yaml: scopes", scope_words(words).items())
    return [(word, scope, words.scopes[scope].holds_all) for word, scope in sorted(found.items())]


# Tables of the outreach registries -> their rows; the second argument names the codes that depend on a pregnancy.
OUTREACH_TABLES: dict[str, Callable[[Iterable[str]], list[tuple[Any, ...]]]] = {
    "channel_word": lambda _: channel_rows(),
    "consent_word": lambda _: scope_rows(),
    "outcome_alias": lambda _: alias_rows(),
    "outreach_outcome_code": lambda _: outcome_rows(),
    "state_policy": lambda dependent: withheld_gaps(read_sensitive_policy(), dependent),
}
