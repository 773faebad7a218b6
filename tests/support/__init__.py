"""Parts that tests are built from: servers, clients, faults and data. Any test may import them."""
