"""photosd on a Mac, shown on Linux by processes that pretend: see tests.darwin.pretend."""
