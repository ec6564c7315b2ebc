"""The small model: what it adds, what it never does, and that its weights are sound."""

from __future__ import annotations

import pytest

from doorward.catalog import linear
from doorward.catalog.classify import NONE, by_rules, classify, kind_of
from doorward.catalog.context import ALONE
from doorward.catalog.rules import Kind
from doorward.catalog.words import words
from doorward.model.catalog import Label


def found(column: str, table: str = "people", type_name: str = "text") -> tuple[str, ...]:
    """The features of a column by itself."""
    return linear.features(words(column), words(table), kind_of(type_name), type_name, ALONE)


def test_shipped_weights_are_finite_and_of_known_labels() -> None:
    """The file is data: it must say something, and nothing absurd."""
    weights = linear.shipped()
    assert len(weights.protected) > 100
    assert all(abs(weight) < 30 for weight in weights.protected.values())
    assert set(weights.labels) <= {label.value for label in Label}
    assert "none" not in weights.labels
    assert weights.calibration[2] > 0  # the surer the model, the surer the finding


def test_what_is_plainly_personal_is_likelier_than_what_is_plainly_not() -> None:
    """The order matters more than the numbers."""
    weights = linear.shipped()
    likely = [linear.probability(found(name), weights) for name in ("last_name", "email", "password_hash")]
    unlikely = [linear.probability(found(name, "products"), weights) for name in ("sort_order", "sku", "currency")]
    assert min(likely) > max(unlikely)
    assert linear.likeliest(found("email"), weights) is Label.EMAIL


def test_features_that_have_no_weight_say_nothing() -> None:
    """Nothing known, nothing said: even odds."""
    empty = linear.Weights({}, {}, (0.0, 0.0, 1.0))
    assert linear.probability(found("anything"), empty) == pytest.approx(0.5)
    assert linear.telling(found("anything"), empty) == ()
    assert linear.likeliest(found("anything"), empty) is Label.FREE_TEXT


def test_the_model_never_takes_back_what_a_rule_found() -> None:
    """It changes how sure a finding is, not whether it is one."""
    for column, type_name in (("email", "text"), ("ssn", "text"), ("notes", "text"), ("birth_date", "date")):
        ruled = by_rules("", "t", column, type_name)
        judged = classify("", "t", column, type_name)
        assert ruled.label is judged.label is not Label.NONE
        assert ruled.reasons == judged.reasons
        assert 0 < judged.confidence <= 1


def test_the_model_is_silent_about_keys_flags_and_numbers() -> None:
    """Only texts, documents, bytes and days can be what it proposes."""
    for type_name in ("boolean", "integer", "uuid", "timestamp", "numeric"):
        assert classify("", "people", "zzz", type_name).label is Label.NONE
    assert kind_of("boolean") is Kind.BOOLEAN
    assert by_rules("", "people", "zzz", "text") is NONE
