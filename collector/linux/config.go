package linux

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	kernelfile "github.com/vedette-edr/vedette/bpf/file"
	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/collector/linux/file"
	"github.com/vedette-edr/vedette/collector/linux/glob"
	"github.com/vedette-edr/vedette/collector/linux/process"
	"github.com/vedette-edr/vedette/collector/linux/rings"
	"github.com/vedette-edr/vedette/proto/config"
	"github.com/vedette-edr/vedette/proto/host"
)

// DefaultConfigPath is read when it exists and no other file is named.
const DefaultConfigPath = "/etc/vedette/collector.conf"

// Config is what the collector's configuration file may say. Every key has a default.
type Config struct {
	// HostID is the host's token in subjects; made from the machine id when empty.
	HostID string `config:"host_id"`
	// Socket is the bus's Unix socket.
	Socket string `config:"bus.socket"`
	// BusUser is who the bus must run as: a name, or a numeric id. Empty trusts whoever listens on the socket.
	BusUser string `config:"bus.user"`
	// User is who the collector becomes once its programs are attached: a name, "UID" or "UID:GID".
	User string `config:"user"`
	// Spool bounds the memory that holds what the analyzer has not confirmed.
	Spool config.Size `config:"spool.max"`
	// The ring buffers between kernel and collector, by class, each a power of two.
	ProcessRing  config.Size `config:"ring.process"`
	KernelRing   config.Size `config:"ring.kernel"`
	IdentityRing config.Size `config:"ring.identity"`
	MemoryRing   config.Size `config:"ring.memory"`
	FileRing     config.Size `config:"ring.file"`
	// Linger is the longest time that an event waits for others to share a message with.
	Linger time.Duration `config:"batch.linger"`
	// Environment names the variables that an exec event may carry.
	Environment []string `config:"environment.allow"`
	// ReadPaths are the files whose reading is told, beside those that the rules ask for: * stands for any bytes but a slash, **
	// for any bytes.
	ReadPaths []string `config:"file.read_paths"`
	// FileBudget is how many changes of files a process may make in a second before the rest are only counted.
	FileBudget uint64 `config:"file.budget"`
	// EventsOff lists kinds of file events that are not told.
	EventsOff []string `config:"events.off"`
	// LogLevel is trace, debug, info, warn or error.
	LogLevel string `config:"log.level"`

	// What check makes of them.
	readPaths []glob.Pattern
	off       []kernelfile.Operation
}

// DefaultConfig is what holds where the file is silent.
func DefaultConfig() Config {
	size := func(c lane.Class) config.Size { return config.Size(lane.DefaultRingBytes(c)) }
	return Config{
		ProcessRing: size(lane.Process), KernelRing: size(lane.Kernel), IdentityRing: size(lane.Identity),
		MemoryRing: size(lane.Memory), FileRing: size(lane.File),
		Socket:      "/run/vedette/bus/bus.sock",
		BusUser:     "vedette-bus",
		User:        "vedette-collector",
		Spool:       64 << 20,
		Linger:      rings.DefaultLinger,
		Environment: process.DefaultEnvironment(),
		ReadPaths:   file.DefaultReadPaths(),
		FileBudget:  kernelfile.DefaultBudget,
		LogLevel:    "info",
	}
}

const (
	minSpool  = 8 << 20
	maxLinger = time.Second
)

// check refuses values that cannot work, each with what would.
func (c *Config) check() error {
	if c.HostID == "" {
		id, err := host.ID(host.MachineIDPath)
		if err != nil {
			return err
		}
		c.HostID = id
	}
	if c.Spool < minSpool {
		return fmt.Errorf("spool.max %s is too small, give at least %s", c.Spool, config.Size(minSpool))
	}
	for class, r := range c.lanes().RingBytes {
		if r < 4096 || r > 1<<30 || r&(r-1) != 0 {
			return fmt.Errorf("ring.%s %s must be a power of two from 4KiB to 1GiB, such as 4MiB", class, config.Size(r))
		}
	}
	if c.Linger <= 0 || c.Linger > maxLinger {
		return fmt.Errorf("batch.linger %s must be more than 0 and at most %s", c.Linger, maxLinger)
	}
	if c.FileBudget == 0 {
		return errors.New("file.budget 0 would withhold every change of a file; give at least 1, or name kinds of events in events.off")
	}
	c.readPaths = nil
	for _, text := range c.ReadPaths {
		p, err := glob.Parse(text)
		if err != nil {
			return fmt.Errorf("file.read_paths: %w", err)
		}
		c.readPaths = append(c.readPaths, p)
	}
	var err error
	if c.off, err = file.Operations(c.EventsOff); err != nil {
		return fmt.Errorf("events.off: %w", err)
	}
	if c.Socket == "" {
		return errors.New("bus.socket is empty, give the path of the bus's Unix socket")
	}
	if _, err := zerolog.ParseLevel(c.LogLevel); err != nil || c.LogLevel == "" {
		return fmt.Errorf("log.level %q is unknown, give trace, debug, info, warn or error", c.LogLevel)
	}
	return nil
}

func (c *Config) lanes() lane.Options {
	return lane.Options{RingBytes: map[lane.Class]uint32{
		lane.Process: uint32(c.ProcessRing), lane.Kernel: uint32(c.KernelRing), lane.Identity: uint32(c.IdentityRing),
		lane.Memory: uint32(c.MemoryRing), lane.File: uint32(c.FileRing),
	}}
}
