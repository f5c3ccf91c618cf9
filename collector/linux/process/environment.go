package process

import "bytes"

// DefaultEnvironment names the variables that detections need; everything else stays in the process, for it may be secret.
func DefaultEnvironment() []string {
	return []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PATH", "HOME", "SSH_CONNECTION", "SSH_CLIENT", "SUDO_USER",
		"SUDO_COMMAND", "HISTFILE", "BASH_ENV", "PYTHONPATH", "NODE_OPTIONS", "PERL5OPT",
	}
}

type allowList map[string]struct{}

func newAllowList(names []string) allowList {
	l := allowList{}
	for _, n := range names {
		l[n] = struct{}{}
	}
	return l
}

// filter appends the NAME=value entries of an environment area (NUL-separated) whose names are allowed. They alias the area.
func (l allowList) filter(area []byte, to [][]byte) [][]byte {
	for len(area) > 0 {
		entry := area
		if i := bytes.IndexByte(area, 0); i >= 0 {
			entry, area = area[:i], area[i+1:]
		} else {
			area = nil
		}
		name, _, found := bytes.Cut(entry, []byte{'='})
		if _, ok := l[string(name)]; ok && found {
			to = append(to, entry)
		}
	}
	return to
}
