"""What MSG-SARL is compared with: controls, exemplar methods (``exemplar``) and deep systems (``deep``)."""
