"""What every layer speaks: frozen values, assets, integer quantities, instants, failures."""
