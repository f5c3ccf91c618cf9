package state

// Bounds of the interner. When they are reached it begins anew; texts that are in use live on where they are used.
const (
	maxInterned      = 8192
	maxInternedBytes = 2 << 20
	maxInternedText  = 4096
)

// interner keeps one copy of texts that come again and again: paths, directories, terminals.
type interner struct {
	texts map[string]string
	bytes int
}

// intern gives a string with the bytes of b.
func (n *interner) intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(b) > maxInternedText {
		return s
	}
	if n.texts == nil || len(n.texts) >= maxInterned || n.bytes+len(b) > maxInternedBytes {
		n.texts = make(map[string]string, 256)
		n.bytes = 0
	}
	n.texts[s] = s
	n.bytes += len(s)
	return s
}
