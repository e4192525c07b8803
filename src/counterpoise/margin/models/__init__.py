"""One venue's rule book per file, its dated parameters beside it; no model imports another."""
