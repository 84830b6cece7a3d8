"""What people and programs see besides the command line."""
