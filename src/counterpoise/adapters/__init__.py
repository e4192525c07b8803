"""How the world gets in and out: files, venue names, parameter sets. The only I/O."""
