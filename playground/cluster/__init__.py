"""More than one machine: the work of pages and endpoints on the replicas of a Ray Serve application. The rest of the
playground knows nothing of it; `ray[serve]` is imported once it is chosen."""
