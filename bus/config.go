package bus

import (
	"fmt"
	"os/user"
	"strconv"
	"time"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/config"
)

// Config is the content of bus.conf; decode the file into DefaultConfig. Users are given by name or number.
type Config struct {
	HostID         string        `config:"host_id"`
	Socket         string        `config:"socket"`
	Store          string        `config:"store"`
	TLSEnabled     bool          `config:"tls.enabled"`
	TLSListen      string        `config:"tls.listen"`
	AlertsMaxAge   time.Duration `config:"alerts.max_age"`
	AlertsMaxBytes config.Size   `config:"alerts.max_bytes"`
	ReaderSeats    int           `config:"readers.seats"`
	CollectorUsers []string      `config:"uid.collector"`
	AnalyzerUsers  []string      `config:"uid.analyzer"`
	OperatorUsers  []string      `config:"uid.operator"`
	ReaderUsers    []string      `config:"uid.reader"`
}

// DefaultConfig is the configuration without a file.
func DefaultConfig() Config {
	return Config{
		Socket:         DefaultSocket,
		Store:          DefaultStoreDir,
		TLSEnabled:     true,
		TLSListen:      DefaultTLSListen,
		AlertsMaxAge:   DefaultAlertsMaxAge,
		AlertsMaxBytes: DefaultAlertsMaxBytes,
		ReaderSeats:    DefaultReaderSeats,
		CollectorUsers: []string{"vedette-collector"},
		AnalyzerUsers:  []string{"vedette-analyzer"},
		OperatorUsers:  []string{"root"},
	}
}

// Options looks up the users and returns what Run takes; the caller adds Host, when host_id is not set, and what is not
// configured: BootID, Version, Log, Started.
func (c Config) Options() (Options, error) {
	o := Options{
		Host:           c.HostID,
		Socket:         c.Socket,
		StoreDir:       c.Store,
		UIDs:           make(map[uint32]access.Role),
		AlertsMaxAge:   c.AlertsMaxAge,
		AlertsMaxBytes: int64(c.AlertsMaxBytes),
		ReaderSeats:    c.ReaderSeats,
	}
	if c.TLSEnabled {
		o.TLSListen = c.TLSListen
	}
	if o.AlertsMaxBytes < 0 {
		return Options{}, fmt.Errorf("alerts.max_bytes %s is more than any disk holds", c.AlertsMaxBytes)
	}
	for _, users := range []struct {
		key   string
		role  access.Role
		names []string
	}{
		{"uid.collector", access.Collector, c.CollectorUsers},
		{"uid.analyzer", access.Analyzer, c.AnalyzerUsers},
		{"uid.operator", access.Operator, c.OperatorUsers},
		{"uid.reader", access.Reader, c.ReaderUsers},
	} {
		for _, name := range users.names {
			uid, err := lookup(name)
			if err != nil {
				return Options{}, fmt.Errorf("%s names %q: %w; `vedette up` creates Vedette's users, others are yours to make", users.key, name, err)
			}
			if other, taken := o.UIDs[uid]; taken && other != users.role {
				return Options{}, fmt.Errorf("%s names %q, but uid %d is %s already: every role needs a user of its own", users.key, name, uid, other)
			}
			o.UIDs[uid] = users.role
		}
	}
	return o, nil
}

func lookup(name string) (uint32, error) {
	number := name
	if _, err := strconv.ParseUint(name, 10, 32); err != nil {
		u, err := user.Lookup(name)
		if err != nil {
			return 0, err
		}
		number = u.Uid
	}
	uid, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("uid %q is not a number: %w", number, err)
	}
	return uint32(uid), nil
}
