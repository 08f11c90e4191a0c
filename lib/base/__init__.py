"""What everything stands on: errors, paths, names, files, images, labels and statistics.  Imports no other wing."""
