"""What shoal nodes say to each other: bytes to meaning and back, without IO, clocks or randomness."""
