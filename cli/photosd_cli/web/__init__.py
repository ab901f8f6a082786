"""`photosd web`: a page for the browser. A client of the daemon's socket, like every command."""
