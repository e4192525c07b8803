"""What a person reads: tables, JSON objects and pictures of an answer. Nothing is computed here."""
