"""Channel models beside the flat ones: of 3GPP, of Sionna, of users and authors."""
