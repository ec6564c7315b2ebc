"""Tests of doorward.detectors."""
