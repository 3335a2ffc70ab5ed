"""Fitted models, every version of them."""

from __future__ import annotations

from segmentd.records import ModelRecord
from segmentd.storage.part import Part
from segmentd.storage.session import Row

_SELECT = """
SELECT model_key, version, type, CAST(params AS BLOB), CAST(data AS BLOB), size, CAST(summary AS BLOB), fit_time
FROM models m
"""
_INSERT = """
INSERT INTO models (model_key, version, type, params, data, size, summary, fit_time)
VALUES (?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?)
"""


class Models(Part):
    """Table `models`."""

    def put_model(self, model: ModelRecord) -> None:
        """Add a version of a model. Raises StorageFailed when that version exists."""
        m = model
        self._session.write(_INSERT, (m.model_key, m.version, m.type, m.params, m.data, m.size, m.summary, m.fit_time))

    def models(self) -> list[ModelRecord]:
        """The latest version of each model, by key."""
        latest = "WHERE version = (SELECT max(version) FROM models l WHERE l.model_key = m.model_key)"
        return self._model_records(f"{latest} ORDER BY model_key")

    def model_versions(self, model_key: str) -> list[ModelRecord]:
        """Every version of one model, oldest first."""
        return self._model_records("WHERE model_key = ? ORDER BY version", (model_key,))

    def _model_records(self, rest: str, parameters: Row = ()) -> list[ModelRecord]:
        return [ModelRecord(*row) for row in self._session.rows(f"{_SELECT} {rest}", parameters)]
