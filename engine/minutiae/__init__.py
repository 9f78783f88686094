"""From ridges to minutiae: two extractors behind one seam."""
