"""The deep rivals of Tables IV-VII, one file each, equal to their authors' programs at the authors' sizes."""
