"""From file to vector: catalog, reconciler, pipeline and the LanceDB store."""
