package glob

import (
	"bytes"
	"strings"
)

// Set is many patterns, of which a path is held against the few that have a name in common with it. The zero Set matches nothing.
// It does not change, so any goroutine may use it.
type Set struct {
	byLast, byDirectory map[string][]Pattern
	// below are those whose end may be several components.
	below []Pattern
}

// NewSet makes a set of parsed patterns.
func NewSet(patterns []Pattern) Set {
	s := Set{byLast: map[string][]Pattern{}, byDirectory: map[string][]Pattern{}}
	for _, p := range patterns {
		last := string(p[strings.LastIndexByte(string(p), '/')+1:])
		switch name := p.Name(); {
		case name == last:
			s.byLast[name] = append(s.byLast[name], p)
		case strings.Contains(last, "**"):
			s.below = append(s.below, p)
		default:
			s.byDirectory[name] = append(s.byDirectory[name], p)
		}
	}
	return s
}

// Match reports whether one of the patterns means the whole path.
func (s Set) Match(path []byte) bool {
	at := bytes.LastIndexByte(path, '/') + 1
	directory := path[:max(0, at-1)]
	directory = directory[bytes.LastIndexByte(directory, '/')+1:]
	return anyMatches(s.byLast[string(path[at:])], path) || anyMatches(s.byDirectory[string(directory)], path) || anyMatches(s.below, path)
}

func anyMatches(patterns []Pattern, path []byte) bool {
	for _, p := range patterns {
		if p.Match(path) {
			return true
		}
	}
	return false
}
