"""From pixels to a ridge map: mask, orientation, frequency, enhanced image, quality."""
