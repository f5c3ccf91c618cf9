package main

import (
	"os"
	"testing"
	"time"
)

func TestSamplesOfAllProcessorsCome(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to sample the kernel")
	}
	s, err := startSampling(nil)
	if err != nil {
		t.Fatal(err)
	}
	// System calls, so that the kernel runs.
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; {
		if _, err := os.Stat("/"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if s.total < 10 {
		t.Errorf("%d samples came of the kernel's work in 200 ms", s.total)
	}
}
