"""Tables of stories about lists: people by name, one case each."""

from __future__ import annotations


def rows(header: str, *lines: str) -> str:
    """A pipe table; a line may leave out its last cells."""
    width = header.count("|")
    return "\n".join([header, *(line + " | -" * (width - line.count("|")) for line in lines)])


def members(names: list[str], **columns: dict[str, str]) -> str:
    """`core.member` for these people, whose home is Texas; a keyword is a column with what some of them have there."""
    header = " | ".join(["member_key", "person_id", "state", *columns])
    return rows(
        header,
        *(
            " | ".join([str(key), name, "TX", *(column.get(name, "-") for column in columns.values())])
            for key, name in enumerate(names, start=1)
        ),
    )
