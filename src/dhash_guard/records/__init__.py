"""What flows through the house: frozen records without any I/O."""
