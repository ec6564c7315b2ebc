"""What Presidio finds in columns, for comparison. Runs in an interpreter of its own; JSON in, JSON out.

A column is what most of its sampled values are, as presidio-structured decides it: the entity that is found most often, if
it is found in at least half of the values. The language model is blank: models are not to be had from a package registry.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

ENTITIES = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "bank_account",
    "US_SSN": "national_id",
    "IP_ADDRESS": "ip", "PERSON": "person_name", "LOCATION": "address", "US_PASSPORT": "national_id",
    "MEDICAL_LICENSE": "national_id",
    "US_BANK_NUMBER": "bank_account", "US_ITIN": "national_id", "UK_NHS": "national_id", "CRYPTO": "bank_account",
    "US_DRIVER_LICENSE": "national_id", "MAC_ADDRESS": "device_id",
}  # fmt: skip


def main() -> None:
    """Read values by table and column, write [table, column, label] for each."""
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider, SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        """spaCy without a trained model."""

        def load(self) -> None:
            """Take the blank pipeline."""
            self.nlp = {"en": spacy.blank("en")}

    del NlpEngineProvider
    analyzer = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    told = []
    for table, columns in json.load(sys.stdin).items():
        for column, values in columns.items():
            votes: Counter[str] = Counter()
            for value in values[:200]:
                found = analyzer.analyze(text=value[:500], language="en", score_threshold=0.4)
                if found:
                    votes[max(found, key=lambda one: one.score).entity_type] += 1
            entity, count = votes.most_common(1)[0] if votes else ("", 0)
            label = ENTITIES.get(entity, "none") if values and count >= 0.5 * min(len(values), 200) else "none"
            told.append([table, column, label])
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
