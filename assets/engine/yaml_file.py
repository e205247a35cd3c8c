"""How YAML is read: by libyaml, ten times as fast as PyYAML's own parser, and each thing said once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader
else:
    # A machine without libyaml reads the same, slowly.
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(SafeLoader):
    """YAML that says nothing twice: of two equal keys plain YAML keeps the last without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        if repeats := sorted({str(key) for key in keys if keys.count(key) > 1}):
            raise yaml.MarkedYAMLError(problem=f"found {repeats} twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def yaml_value(text: str) -> Any:
    """The value of a file's text, of plain types only.

    Raises:
        yaml.YAMLError: It is no YAML, or says something twice.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
