package recording

import (
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
)

// Router remembers which program serves which records. It is not safe for concurrent use; each worker has its own.
type Router struct {
	resolve  func(channel, provider string, eventID int) *engine.Program
	programs map[route]*engine.Program
}

type route struct {
	channel, provider string
	eventID           int
}

// maxRoutes bounds what is remembered: a hostile recording can name any number of channels.
const maxRoutes = 1 << 14

// NewRouter makes a router that asks resolve once for each channel, provider and event id. All three are empty for records
// that are not of Windows. What resolve gives, which can be nil, is given for each such record.
func NewRouter(resolve func(channel, provider string, eventID int) *engine.Program) *Router {
	return &Router{resolve: resolve, programs: make(map[route]*engine.Program)}
}

// Program gives the program for a record. It allocates nothing for a kind of record that it has seen before.
func (r *Router) Program(record *Record) *engine.Program {
	key := route{channel: record.Channel(), provider: record.Provider(), eventID: record.EventID()}
	program, ok := r.programs[key]
	if ok {
		return program
	}
	if len(r.programs) >= maxRoutes {
		clear(r.programs)
	}
	// The record's text does not outlive it.
	key.channel, key.provider = strings.Clone(key.channel), strings.Clone(key.provider)
	program = r.resolve(key.channel, key.provider, key.eventID)
	r.programs[key] = program
	return program
}
