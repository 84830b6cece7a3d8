"""Answers out: question, retrieve, answer, cite."""
