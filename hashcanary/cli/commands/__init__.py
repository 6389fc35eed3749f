"""The commands, one module each: ``add`` declares it to the parser, ``run`` does it."""
