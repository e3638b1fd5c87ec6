"""Typefaces every final PDF carries, made by ``build.py``; licence in LICENSE-DejaVu.txt."""
