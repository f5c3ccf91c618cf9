package file

// Wanted says which files' reading is told.
type Wanted struct{}
