"""The verbs: each is the story of one command, told in stages; they open the rooms and hand records between them."""
