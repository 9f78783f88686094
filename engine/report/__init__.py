"""What people look at: prints with their minutiae, and one page with the result of a search."""
