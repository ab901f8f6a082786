"""Installing models: a process of its own reads, fits, examines and only then shelves one."""
