package alert

// ReadBack opens an alert file as a new run does and gives the ids in it.
func ReadBack(path string) ([]string, error) {
	f, err := openFile(FileOptions{Path: path}, &Outbox{})
	if err != nil {
		return nil, err
	}
	f.close()
	return f.known.ring, nil
}
