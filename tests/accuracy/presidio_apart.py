"""Presidio in an environment of its own: a JSON string a line in, ``[[start, end, type], ...]`` a line out.

Not imported by anything: ``values.presidio`` runs it with the interpreter of that environment. No language model is loaded, so
names of persons and places are not looked for.
"""

import json
import sys

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

TYPE_OF = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP",
    "MAC_ADDRESS": "MAC",
}  # fmt: skip
NATIONAL = ("US_", "UK_", "ES_", "IT_", "PL_", "SG_", "AU_", "IN_", "FI_", "KR_", "TH_", "DE_", "SE_", "CA_", "TR_", "NG_")
THRESHOLD = 0.4


class WithoutModel(SpacyNlpEngine):  # type: ignore[misc]
    """A tokenizer and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}

    def load(self) -> None:
        """There is nothing to load."""


def main() -> None:
    """Read, find, write."""
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    analyzer = AnalyzerEngine(nlp_engine=WithoutModel(), registry=registry, supported_languages=["en"])
    for line in sys.stdin:
        found = []
        for one in analyzer.analyze(json.loads(line), language="en", score_threshold=THRESHOLD):
            type_ = TYPE_OF.get(one.entity_type) or ("NATIONAL_ID" if one.entity_type.startswith(NATIONAL) else "")
            if type_:
                found.append((one.start, one.end, type_, one.score))
        # Of spans that overlap, the surer and then the longer one is kept, as its anonymizer does.
        kept: list[tuple[int, int, str, float]] = []
        for one in sorted(found, key=lambda one: (-one[3], one[0] - one[1])):
            if all(one[1] <= other[0] or one[0] >= other[1] for other in kept):
                kept.append(one)
        sys.stdout.write(json.dumps([one[:3] for one in sorted(kept)]) + "\n")


if __name__ == "__main__":
    main()
