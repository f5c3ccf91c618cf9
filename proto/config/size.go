package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is an amount of memory or disk in bytes.
type Size uint64

// Binary multiples of a byte.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// units are tried in order, so longer names stand before those they end with.
var units = []struct {
	name  string
	bytes Size
}{
	{"KiB", KiB},
	{"MiB", MiB},
	{"GiB", GiB},
	{"kB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
}

// ParseSize reads a whole number followed by its unit: B, KiB, MiB, GiB, or the decimal kB, MB, GB.
func ParseSize(text string) (Size, error) {
	for _, u := range units {
		digits, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(digits, " "), 10, 64)
		if err != nil {
			break
		}
		if n > math.MaxUint64/uint64(u.bytes) {
			return 0, fmt.Errorf("%q is more than %d bytes", text, uint64(math.MaxUint64))
		}
		return Size(n) * u.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a whole number with a unit (B, KiB, MiB, GiB, kB, MB, GB)", text)
}

// String gives the size in the largest binary unit that divides it, in the form that ParseSize reads.
func (s Size) String() string {
	for _, u := range []struct {
		name  string
		bytes Size
	}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}} {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatUint(uint64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatUint(uint64(s), 10) + "B"
}
