package up

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/accounts"
	"github.com/vedette-edr/vedette/vedette/layout"
	"github.com/vedette-edr/vedette/vedette/stage"
	"github.com/vedette-edr/vedette/vedette/supervise"
)

// Names of the programs, below --bin and in the stage.
const (
	program          = "vedette"
	analyzerProgram  = "vedette-analyzer"
	collectorProgram = "vedette-collector"
)

// setup is everything that the children are started with.
type setup struct {
	layout   layout.Layout
	accounts accounts.Set
	staged   stage.Staged
	hostID   string
	tls      bool
}

// children lists the processes in the order in which they start: who listens before who speaks.
func (s *setup) children() []supervise.Child {
	bus := supervise.Child{
		Name: subject.Bus, Path: s.staged.Program(program), Confined: true, Credential: s.credential(s.accounts.Bus),
		Args: append([]string{"bus", "--host-id", s.hostID, "--socket", s.layout.Socket, "--store", s.layout.BusState},
			s.configuration(subject.Bus)...),
	}
	if s.tls {
		bus.Args = append(bus.Args, "--tls")
	}
	analyzer := supervise.Child{
		Name: subject.Analyzer, Path: s.staged.Program(analyzerProgram), Confined: true, Credential: s.credential(s.accounts.Analyzer),
		Args: append([]string{
			"run", "--host-id", s.hostID, "--socket", s.layout.Socket, "--rules", s.staged.Rules(),
			"--state", s.layout.AnalyzerState, "--alerts", s.layout.Alerts,
		}, s.configuration(subject.Analyzer)...),
	}
	// The collector starts as root and becomes its own user once its programs are attached.
	collector := supervise.Child{
		Name: subject.Collector, Path: s.staged.Program(collectorProgram),
		Args: append([]string{"run", "--host-id", s.hostID, "--socket", s.layout.Socket}, s.configuration(subject.Collector)...),
	}
	all := []supervise.Child{bus, analyzer, collector}
	for i := range all {
		all[i].Env = environment()
	}
	return all
}

func (s *setup) credential(uid int) *syscall.Credential {
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(s.accounts.GID)}
}

// configuration names the component's file below the prefix, if there is one.
func (s *setup) configuration(component string) []string {
	file := s.layout.ConfigFile(component)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []string{"--config", file}
}

// environment is all that the children get of root's own: what the Go runtime may be told for finding faults.
func environment() []string {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, name := range []string{"TZ", "GOTRACEBACK", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
