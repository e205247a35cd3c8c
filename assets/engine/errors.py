"""Errors that a user can act on: one line, `where: what was found; what is allowed`, never a person-level value."""


def one_line(text: str) -> str:
    """Text that came from outside, such as a file's name, with line breaks and control characters spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class CaregapsError(Exception):
    """Base of every error that ends a night with one line instead of a traceback."""

    def __str__(self) -> str:
        """One line, whatever a file name or a header in it tries."""
        return one_line(super().__str__())


class ModelError(CaregapsError):
    """A SQL file under `sql/` that cannot be built."""


class ContractError(CaregapsError):
    """A contract that cannot be read, or a table that breaks its contract."""


class SettingsError(CaregapsError):
    """A settings file, registry or argument that says something that is not allowed."""


class InputError(CaregapsError):
    """An input folder or file that cannot be read as the layout promises."""


class PublicationError(CaregapsError):
    """A night that may not be published, or an output folder that cannot take it."""


class WarehouseError(PublicationError):
    """A working warehouse that is damaged or of something else; it is a cache, so that a new one can take its place."""
