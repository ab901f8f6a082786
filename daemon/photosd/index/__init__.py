"""Indexing: catalog, reconciler, pipeline and the LanceDB store."""
