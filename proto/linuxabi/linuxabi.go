// Package linuxabi names the numbers that Linux has for errors, signals, flags and commands, as the kernel's own headers under
// include/uapi name them. Each function says which header it is from.
//
// Where a number is for people to read, its name is short: what all names of a header begin with is left out, and the rest is
// in lower case, so that BPF_PROG_LOAD is "prog_load". Names that people know in capitals stay so: EACCES, SIGKILL,
// CAP_SYS_ADMIN. A number that has no name here, because the kernel is newer or the caller passed nonsense, is given as digits,
// so that no function hides what it was given.
//
// The numbers are those of x86-64 and arm64, which agree in all that is here.
package linuxabi

import "strconv"

// named gives the name at index n of names, and decimal digits where there is none.
func named(names []string, n uint32) string {
	if uint64(n) < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}

// bit is a flag and its name.
type bit struct {
	mask uint64
	name string
}

// words names the bits of flags in the order of all. What is left without a name comes last, in hexadecimal.
func words(flags uint64, all []bit) []string {
	var out []string
	for _, b := range all {
		if flags&b.mask == b.mask {
			out = append(out, b.name)
			flags &^= b.mask
		}
	}
	if flags != 0 {
		out = append(out, "0x"+strconv.FormatUint(flags, 16))
	}
	return out
}
