package app

import (
	"github.com/vedette-edr/vedette/analyzer/ingest"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"

	"github.com/vedette-edr/vedette/analyzer/alert"
)

// Flags are the flags of run.
type Flags struct {
	Config, HostID, Socket, Alerts, State string
	Rules, Placeholders                   []string
}

// Load reads flags and configuration as run does.
func Load(f Flags) (Config, error) {
	inner := flags{config: f.Config, hostID: f.HostID, socket: f.Socket, alerts: f.Alerts, state: f.State, rules: f.Rules, placeholders: f.Placeholders}
	return inner.load()
}

// BusUIDs says who may run the bus when the configuration names user.
func BusUIDs(user string) ([]uint32, error) { return (&Config{BusUser: user}).busUIDs() }

// ParseStat reads /proc/PID/stat.
func ParseStat(text []byte) (threads, pages uint64) { return parseStat(text) }

// NewHandler makes the handler of events.
func NewHandler(s Settings, rules *engine.Ruleset, outbox *alert.Outbox) ingest.Handler {
	return newPipeline(s, rules, outbox)
}
