"""What the venues call our instruments: symbol text to contract and back, one file per dialect."""
