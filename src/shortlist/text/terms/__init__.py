"""Texts to the terms of BM25: identifiers, numbers and symbols, accents, and the word forms of a language."""

from shortlist.text.terms.analyzer import Analyzer, Terms
from shortlist.text.terms.detection import language_of, language_of_most
from shortlist.text.terms.languages import ENGLISH, LANGUAGES, NONE, checked_language

__all__ = ["ENGLISH", "LANGUAGES", "NONE", "Analyzer", "Terms", "checked_language", "language_of", "language_of_most"]
