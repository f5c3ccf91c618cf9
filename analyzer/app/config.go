package app

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/proto/config"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/subject"
)

// DefaultConfigPath is read when it exists and no other file is named.
const DefaultConfigPath = "/etc/vedette/analyzer.conf"

// Config is what the analyzer's configuration file may say. Every key has a default.
type Config struct {
	// HostID is the host's token in subjects; made from the machine id when empty.
	HostID string `config:"host_id"`
	// Socket is the bus's Unix socket.
	Socket string `config:"bus.socket"`
	// BusUser is who the bus must run as: a name, or a numeric id. Empty trusts whoever listens on the socket.
	BusUser string `config:"bus.user"`
	// Rules are directories of Sigma rules, searched with all below them.
	Rules []string `config:"rules"`
	// Placeholders are files that give values to the %placeholders% of rules with the modifier expand.
	Placeholders []string `config:"placeholders"`
	// AlertFile is appended to; it becomes AlertFile.1 when it has AlertFileSize, and AlertFileKeep old ones are kept. Empty
	// writes no file: alerts then go to the stream alone.
	AlertFile     string      `config:"alerts.file"`
	AlertFileSize config.Size `config:"alerts.max_size"`
	AlertFileKeep int         `config:"alerts.keep"`
	// StateDir holds what has to outlive a restart.
	StateDir string `config:"state.dir"`
	// TreeMemory bounds the process tree; TreeGrace is how long it keeps a process that has ended and has no descendants.
	TreeMemory config.Size   `config:"tree.memory"`
	TreeGrace  time.Duration `config:"tree.grace"`
	// LogLevel is trace, debug, info, warn or error.
	LogLevel string `config:"log.level"`
}

// DefaultConfig is what holds where the file is silent.
func DefaultConfig() Config {
	return Config{
		Socket:        "/run/vedette/bus/bus.sock",
		BusUser:       "vedette-bus",
		Rules:         []string{"/usr/share/vedette/rules"},
		AlertFile:     "/var/log/vedette/alerts.ndjson",
		AlertFileSize: 64 << 20,
		AlertFileKeep: 5,
		StateDir:      "/var/lib/vedette/analyzer",
		TreeMemory:    64 << 20,
		TreeGrace:     10 * time.Second,
		LogLevel:      "info",
	}
}

const (
	minAlertFile  = config.Size(1 << 20)
	maxAlertKeep  = 1000
	minTreeMemory = config.Size(1 << 20)
	maxTreeGrace  = 24 * time.Hour
)

// check refuses values that cannot work, each with what would, and finds the host id where none is given.
func (c *Config) check() error {
	if c.HostID == "" {
		id, err := host.ID(host.MachineIDPath)
		if err != nil {
			return err
		}
		c.HostID = id
	}
	if err := subject.ValidHost(c.HostID); err != nil {
		return fmt.Errorf("%w; set host_id or --host-id", err)
	}
	if c.Socket == "" {
		return errors.New("bus.socket is empty, give the path of the bus's Unix socket")
	}
	if len(c.Rules) == 0 {
		return errors.New("rules names no directory, give at least one, such as /usr/share/vedette/rules")
	}
	if c.AlertFileSize < minAlertFile {
		return fmt.Errorf("alerts.max_size %s is too small, give at least %s", c.AlertFileSize, minAlertFile)
	}
	if c.AlertFileKeep < 1 || c.AlertFileKeep > maxAlertKeep {
		return fmt.Errorf("alerts.keep %d must be from 1 to %d", c.AlertFileKeep, maxAlertKeep)
	}
	if c.StateDir == "" {
		return errors.New("state.dir is empty, give a directory that the analyzer may write, such as /var/lib/vedette/analyzer")
	}
	if c.TreeMemory < minTreeMemory {
		return fmt.Errorf("tree.memory %s is too small, give at least %s", c.TreeMemory, minTreeMemory)
	}
	if c.TreeGrace <= 0 || c.TreeGrace > maxTreeGrace {
		return fmt.Errorf("tree.grace %s must be more than 0 and at most %s", c.TreeGrace, maxTreeGrace)
	}
	if _, err := zerolog.ParseLevel(c.LogLevel); err != nil || c.LogLevel == "" {
		return fmt.Errorf("log.level %q is unknown, give trace, debug, info, warn or error", c.LogLevel)
	}
	return nil
}

// busUIDs gives who may run the bus; nobody stands for anybody.
func (c *Config) busUIDs() ([]uint32, error) {
	if c.BusUser == "" {
		return nil, nil
	}
	if uid, err := strconv.ParseUint(c.BusUser, 10, 32); err == nil {
		return []uint32{uint32(uid)}, nil
	}
	account, err := user.Lookup(c.BusUser)
	if err != nil {
		return nil, fmt.Errorf("cannot tell who the bus must run as, bus.user %q: %w; start with `vedette up`, which makes the users, or set bus.user", c.BusUser, err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot tell who the bus must run as: user %q has the id %q", c.BusUser, account.Uid)
	}
	return []uint32{uint32(uid)}, nil
}
