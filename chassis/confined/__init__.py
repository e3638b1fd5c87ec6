"""What runs inside a sandbox child, and the frames both ends speak. Imports the standard library and contracts only."""
