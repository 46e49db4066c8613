"""Schemas: what a datasource's columns are, made in one pass, and what publishing one would tell the world."""
