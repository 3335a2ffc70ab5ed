"""All bytes of a dataset, to see whether an evaluation wrote to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from segmentd.population.column import Column
    from segmentd.population.dataset import Dataset


def snapshot(dataset: Dataset, params: BaseModel) -> Mapping[str, object]:
    """Content by the name that a complaint uses: attributes, events, their properties, parameters."""
    content: dict[str, object] = {"the parameters": params.model_dump_json()}
    for name, column in dataset.columns.items():
        content[name] = _content(column)
    for event, table in dataset.tables.items():
        _, positions = table.gather(slice(0, len(dataset)))
        content[f"the times of {event}"] = table.times(positions).tobytes()
        for name, column in table.columns.items():
            content[f"{event}.{name}"] = _content(column)
    return content


def _content(column: Column) -> object:
    return column.data.tobytes(), tuple(column.vocabulary.texts)
