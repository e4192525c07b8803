"""What collateral the net risk needs: models, requirements, explanations."""
