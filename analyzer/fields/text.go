package fields

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
	"unsafe"
)

// borrow gives the bytes as text without copying them. The text is good as long as nobody changes the bytes: until the next
// Reset.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// present gives text that says nothing when it is empty.
func present(s string) (string, bool) { return s, s != "" }

// presentBytes is present for bytes of the event.
func presentBytes(b []byte) (string, bool) { return borrow(b), len(b) > 0 }

// made gives what was appended to the arena from start on.
func (v *View) made(start int) (string, bool) { return borrow(v.arena[start:]), true }

func (v *View) decimal(n uint64) (string, bool) {
	if n < 100 {
		// The library has these ready.
		return strconv.FormatUint(n, 10), true
	}
	start := len(v.arena)
	v.arena = strconv.AppendUint(v.arena, n, 10)
	return v.made(start)
}

func (v *View) signed(n int64) (string, bool) {
	if n >= 0 {
		return v.decimal(uint64(n))
	}
	start := len(v.arena)
	v.arena = strconv.AppendInt(v.arena, n, 10)
	return v.made(start)
}

// hexadecimal gives 0x and the digits.
func (v *View) hexadecimal(n uint64) (string, bool) {
	start := len(v.arena)
	v.arena = append(v.arena, "0x"...)
	v.arena = strconv.AppendUint(v.arena, n, 16)
	return v.made(start)
}

// bare gives a number as the audit daemon writes arguments of system calls.
func (v *View) bare(n uint64) (string, bool) {
	start := len(v.arena)
	v.arena = strconv.AppendUint(v.arena, n, 16)
	return v.made(start)
}

// octal gives the digits after a 0.
func (v *View) octal(n uint32) (string, bool) {
	start := len(v.arena)
	v.arena = append(v.arena, '0')
	v.arena = strconv.AppendUint(v.arena, uint64(n), 8)
	return v.made(start)
}

func truth(b bool) (string, bool) {
	if b {
		return "true", true
	}
	return "false", true
}

// moment gives a time in the form that Sysmon has. Zero is no time.
func (v *View) moment(unixNS int64) (string, bool) {
	if unixNS == 0 {
		return "", false
	}
	start := len(v.arena)
	v.arena = time.Unix(0, unixNS).UTC().AppendFormat(v.arena, "2006-01-02 15:04:05.000")
	return v.made(start)
}

// address gives an IP address of 4 or 16 bytes, IPv4 in IPv6 form as IPv4.
func (v *View) address(b []byte) (string, bool) {
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return "", false
	}
	start := len(v.arena)
	v.arena = ip.Unmap().AppendTo(v.arena)
	return v.made(start)
}

// joined gives head and tail with the separator between them.
func (v *View) joined(head []byte, separator string, tail []byte) (string, bool) {
	start := len(v.arena)
	v.arena = append(append(append(v.arena, head...), separator...), tail...)
	return v.made(start)
}

func (v *View) appendHash(start int, name string, sum []byte) {
	if len(sum) == 0 {
		return
	}
	if len(v.arena) > start {
		v.arena = append(v.arena, ',')
	}
	v.arena = append(v.arena, name...)
	v.arena = append(v.arena, '=')
	digits := len(v.arena)
	v.arena = hex.AppendEncode(v.arena, sum)
	for i, c := range v.arena[digits:] {
		if 'a' <= c && c <= 'f' {
			v.arena[digits+i] = c - 'a' + 'A'
		}
	}
}
