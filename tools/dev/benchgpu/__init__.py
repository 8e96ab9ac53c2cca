"""What `make bench-gpu` needs of Python: a ColPali of full size with random weights, and PyTorch as a peer."""
