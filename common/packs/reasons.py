"""Reason tables: what a bank's code means, in words a customer understands."""

from typing import Annotated

from pydantic import Field

from common.packs.records import Identifier, LocalText, Record, Source, in_language


class ReasonTable(Record):
    """Codes of one kind in plain words; `default` speaks for a code nobody knows."""

    id: Identifier
    codes: Annotated[dict[Identifier, LocalText], Field(min_length=1)]
    default: LocalText
    source: Source

    def words(self, code: str, language: str, default_language: str) -> str:
        """The plain words for `code`, compared in lower case."""
        texts = self.codes.get(code.strip().lower(), self.default)
        return in_language(texts, language, default_language)[1]
