"""Graphs to what runs or is read elsewhere: Python source, torch modules, JSON, .arch text."""
