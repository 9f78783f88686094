"""How like real prints those are that the project draws and makes: figures and pictures."""
