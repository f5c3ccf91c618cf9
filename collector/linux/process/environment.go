package process

import "bytes"

// DefaultEnvironment names the variables that detections need; everything else stays in the process, for it may be secret.
func DefaultEnvironment() []string {
	return []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PATH", "HOME", "SSH_CONNECTION", "SSH_CLIENT", "SUDO_USER",
		"SUDO_COMMAND", "HISTFILE", "BASH_ENV", "PYTHONPATH", "NODE_OPTIONS", "PERL5OPT",
	}
}

// allowList is a set of names. Nearly every variable of a process is not in it, so the first letter is asked first.
type allowList struct {
	names   map[string]struct{}
	initial [256]bool
}

func newAllowList(names []string) *allowList {
	l := &allowList{names: map[string]struct{}{}}
	for _, n := range names {
		if n != "" {
			l.names[n] = struct{}{}
			l.initial[n[0]] = true
		}
	}
	return l
}

// filter appends the NAME=value entries of an environment area (NUL-separated) whose names are allowed. They alias the area.
func (l *allowList) filter(area []byte, to [][]byte) [][]byte {
	for len(area) > 0 {
		entry := area
		if i := bytes.IndexByte(area, 0); i >= 0 {
			entry, area = area[:i], area[i+1:]
		} else {
			area = nil
		}
		if len(entry) == 0 || !l.initial[entry[0]] {
			continue
		}
		name, _, found := bytes.Cut(entry, []byte{'='})
		if _, ok := l.names[string(name)]; ok && found {
			to = append(to, entry)
		}
	}
	return to
}
