"""May it be done, and who must say so."""
