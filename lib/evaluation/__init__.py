"""From runs to numbers: scores of images, recognition, attention, the user study."""
