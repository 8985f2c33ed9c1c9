"""How fast keepahead is, as ratios within one run (`make bench`)."""
