"""From minutiae to what is compared: a code for each minutia, a vector for each finger."""
