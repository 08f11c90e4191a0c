"""MSG-SARL as the paper has it (Section III): settings, networks, losses, features and the training step."""
