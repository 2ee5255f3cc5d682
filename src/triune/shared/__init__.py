"""What all pods hold: flavors, keypairs, images. How they are copied, and how pods that were away catch up."""
