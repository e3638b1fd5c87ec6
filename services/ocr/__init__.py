"""ocr knows letters: it reads header images and remembers what it read."""
