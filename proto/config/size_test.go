package config_test

import (
	"testing"

	"github.com/vedette-edr/vedette/proto/config"
)

func TestParseSize(t *testing.T) {
	f := func(text string, want config.Size) {
		t.Helper()
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	f("0B", 0)
	f("512B", 512)
	f("4KiB", 4096)
	f("64MiB", 64<<20)
	f("2 GiB", 2<<30)
	f("1kB", 1000)
	f("3MB", 3_000_000)
	f("1GB", 1_000_000_000)
	f("18446744073709551615B", 1<<64-1)

	refused := func(text string) {
		t.Helper()
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, got)
		}
	}
	refused("")
	refused("B")
	refused("64")
	refused("64M")
	refused("-1B")
	refused("1.5GiB")
	refused("0x10B")
	refused("1  KiB")
	refused("17179869184GiB")
}

func FuzzParseSize(f *testing.F) {
	f.Add("64MiB")
	f.Add("18446744073709551615B")
	f.Add("1 kB")
	f.Fuzz(func(t *testing.T, text string) {
		size, err := config.ParseSize(text)
		if err != nil {
			return
		}
		if again, err := config.ParseSize(size.String()); err != nil || again != size {
			t.Fatalf("%q is %d, which prints as %q and reads as %d, %v", text, size, size, again, err)
		}
	})
}
