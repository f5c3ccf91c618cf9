// Package process turns the records of the process sensor's eBPF programs into events, and lists the processes that are alive.
// It copies what the kernel wrote and judges none of it.
package process

import (
	kernel "github.com/vedette-edr/vedette/bpf/process"
)

// Sensor makes events of the process sensor's records. Seed and CanSeed may be called from any goroutine while the decoder
// is in use.
type Sensor struct {
	kernel *kernel.Sensor
	allow  *allowList
}

// New works for a loaded sensor, which stays the caller's. environment names the variables that leave the host's memory;
// nil means DefaultEnvironment.
func New(k *kernel.Sensor, environment []string) *Sensor {
	if environment == nil {
		environment = DefaultEnvironment()
	}
	return &Sensor{kernel: k, allow: newAllowList(environment)}
}

// Decoder returns a new decoder of the sensor's records.
func (s *Sensor) Decoder() *Decoder { return newDecoder(s.allow) }
