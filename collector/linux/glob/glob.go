// Package glob matches absolute paths with patterns in which * stands for any bytes but a slash and ** for any bytes.
package glob

import (
	"fmt"
	"strings"
)

// Pattern is a checked pattern.
type Pattern string

// Parse checks a pattern. It must begin with a slash or with **, and its last component, or else the one before, must be
// without a *: that is the name by which the kernel side knows it.
func Parse(text string) (Pattern, error) {
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "**") {
		return "", fmt.Errorf("pattern %q must begin with / or **", text)
	}
	if strings.HasSuffix(text, "/") {
		return "", fmt.Errorf("pattern %q ends with /; add the file's name, or * for all files of the directory", text)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("pattern %q holds a zero byte, which no path can", text)
	}
	p := Pattern(text)
	if p.Name() == "" {
		return "", fmt.Errorf("pattern %q must name the file or its directory without a *, such as /etc/shadow or **/.ssh/id_*", text)
	}
	return p, nil
}

// Name is the literal last component, or the literal one before it.
func (p Pattern) Name() string {
	components := strings.Split(string(p), "/")
	for i := len(components) - 1; i >= max(0, len(components)-2); i-- {
		if name := components[i]; name != "" && !strings.Contains(name, "*") {
			return name
		}
	}
	return ""
}

// Match reports whether the whole path is meant. It takes time in proportion to the product of both lengths at worst.
func (p Pattern) Match(path []byte) bool {
	pattern := string(p)
	// Where to go on after a mismatch: behind the last single and the last double star.
	at, single, singleAt, double, doubleAt := 0, -1, 0, -1, 0
	i := 0
	for i < len(path) {
		switch {
		case strings.HasPrefix(pattern[at:], "**"):
			at += 2
			double, doubleAt, single = at, i, -1
			continue
		case at < len(pattern) && pattern[at] == '*':
			at++
			single, singleAt = at, i
			continue
		case at < len(pattern) && pattern[at] == path[i]:
			at++
			i++
			continue
		case single >= 0 && path[singleAt] != '/':
			singleAt++
			at, i = single, singleAt
			continue
		case double >= 0:
			doubleAt++
			at, i, single = double, doubleAt, -1
			continue
		}
		return false
	}
	return strings.Trim(pattern[at:], "*") == ""
}
