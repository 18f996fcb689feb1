"""Reading datasets, a module for each form in which people have them."""
