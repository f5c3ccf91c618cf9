package recording

import "unsafe"

// textOf gives bytes of a record as text without copying them. Records are overwritten by the next one, and say that their
// text is valid only until then.
func textOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
