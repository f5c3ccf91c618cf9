package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/accounts"
	"github.com/vedette-edr/vedette/vedette/alertlog"
	"github.com/vedette-edr/vedette/vedette/alerts"
	"github.com/vedette-edr/vedette/vedette/childlog"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/guard"
	"github.com/vedette-edr/vedette/vedette/layout"
	"github.com/vedette-edr/vedette/vedette/link"
	"github.com/vedette-edr/vedette/vedette/pidlock"
	"github.com/vedette-edr/vedette/vedette/preflight"
	"github.com/vedette-edr/vedette/vedette/stage"
	"github.com/vedette-edr/vedette/vedette/supervise"
	"github.com/vedette-edr/vedette/vedette/term"
)

func run(c *cobra.Command, o options, version string) error {
	here, err := preflight.Here()
	if err != nil {
		return err
	}
	if err := preflight.Check(here); err != nil {
		return err
	}
	l, err := layout.Under(o.prefix)
	if err != nil {
		return exit.Refuse(err, "")
	}
	set, err := accounts.Ensure(c.Context(), accounts.Host{})
	if err != nil {
		return exit.Refuse(err, "")
	}
	if err := l.Make(layout.Owners{BusUID: set.Bus, AnalyzerUID: set.Analyzer, GID: set.GID}); err != nil {
		return exit.Refuse(err, "")
	}
	// What is made from here on must not depend on the mask of whoever calls.
	syscall.Umask(0o027)
	lock, err := pidlock.Acquire(l.Lock)
	if _, held := errors.AsType[*pidlock.HeldError](err); held {
		return exit.Refuse(fmt.Errorf("vedette is running already (%w)", err), "stop that one first, or use: vedette alerts")
	} else if err != nil {
		return exit.Fail(err, "")
	}
	defer lock.Release()

	if err := alone(l.Socket); err != nil {
		return err
	}
	s := &session{
		screen: &screen{
			out: c.OutOrStdout(), err: c.ErrOrStderr(), quiet: o.quiet,
			palette: term.Colours(c.OutOrStdout(), o.noColor),
		},
		options: o, version: version,
		setup: setup{layout: l, accounts: set, tls: o.tls},
	}
	err = s.run(c.Context())
	if cleared := l.Clear(); cleared != nil {
		err = errors.Join(err, exit.Fail(cleared, ""))
	}
	return err
}

// alone refuses when somebody serves the socket already: another way of running Vedette, which our end would sweep away. The
// processes of a vedette up that was killed are given a moment to go.
func alone(socket string) error {
	const tries, pause = 10, 100 * time.Millisecond
	var peer peercred.Credentials
	for range tries {
		conn, err := net.DialTimeout("unix", socket, time.Second)
		if err != nil {
			return nil //nolint:nilerr // nobody is there, which is what is asked for
		}
		peer, err = peercred.Of(conn.(*net.UnixConn))
		conn.Close()
		if err != nil {
			return exit.Refuse(fmt.Errorf("a bus runs already: %w", err), "stop it first")
		}
		time.Sleep(pause)
	}
	return exit.Refuse(fmt.Errorf("a bus runs already (process %d)", peer.PID), "stop it first, such as with: systemctl stop vedette-bus")
}

// session is one run of Vedette, from the stage to the end of the last process.
type session struct {
	screen  *screen
	options options
	version string
	setup   setup
	logs    map[string]*childlog.Log
	pulse   *pulse
	began   time.Time
	// running is set once every part is ready.
	running atomic.Bool
}

func (s *session) run(ctx context.Context) error {
	s.began = time.Now()
	if err := s.prepare(); err != nil {
		return exit.Refuse(err, "")
	}
	defer s.closeLogs()

	g, err := guard.Start(s.setup.staged.Program(program), GuardVerb)
	if err != nil {
		return exit.Fail(err, "")
	}
	defer func() {
		if err := g.Release(); err != nil {
			s.screen.warn("%v", err)
		}
	}()

	s.pulse = newPulse(link.Options{Prefix: s.options.prefix, HostID: s.setup.hostID, Notify: func(text string) {
		if s.running.Load() && ctx.Err() == nil {
			s.screen.warn("%s", text)
		}
	}})
	defer s.pulse.close()

	children := s.setup.children()
	for i := range children {
		name := children[i].Name
		children[i].Output = s.logs[name]
		children[i].Ready = func(ctx context.Context, pid int) error { return s.pulse.ready(ctx, name, pid) }
	}
	hurry, calm := secondSignal(ctx)
	defer calm()
	var follower sync.WaitGroup
	defer follower.Wait()
	followed, stopFollowing := context.WithCancel(ctx)
	defer stopFollowing()

	err = supervise.Run(ctx, children, supervise.Options{
		Adopt:  s.adoptWith(g),
		Hurry:  hurry,
		Report: s.report,
		Started: func() {
			s.running.Store(true)
			s.pulse.enough()
			s.greet()
			follower.Go(func() { s.follow(followed) })
		},
	})
	return s.explain(err)
}

// adoptWith hands processes to the guard. Without it they still have the parent-death signal, so a guard that is gone is no
// reason to do without the process.
func (s *session) adoptWith(g *guard.Guard) func(int) error {
	return func(pidfd int) error {
		if err := g.Adopt(pidfd); err != nil {
			s.screen.warn("%v; a kill -9 of vedette up may leave processes behind", err)
		}
		return nil
	}
}

// prepare fills the stage and opens the logs.
func (s *session) prepare() error {
	l := s.setup.layout
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program's own file: %w", err)
	}
	bin := s.options.bin
	if bin == "" {
		bin = filepath.Dir(self)
	}
	rules, err := findRules(s.options.rules, bin)
	if err != nil {
		return err
	}
	for _, name := range []string{analyzerProgram, collectorProgram} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return fmt.Errorf("cannot find %s: %w; name its directory with --bin", name, err)
		}
	}
	s.setup.staged, err = stage.Copy(l.Stage, map[string]string{
		program:          self,
		analyzerProgram:  filepath.Join(bin, analyzerProgram),
		collectorProgram: filepath.Join(bin, collectorProgram),
	}, rules)
	if err != nil {
		return err
	}
	if s.setup.hostID, err = hostID(s.options.hostID); err != nil {
		return err
	}
	if err := os.WriteFile(link.HostIDFile(l), []byte(s.setup.hostID+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot note the host id: %w", err)
	}
	// The mask took the others' right to read, and who reads alerts need not be in the group.
	if err := os.Chmod(link.HostIDFile(l), 0o644); err != nil {
		return fmt.Errorf("cannot note the host id: %w", err)
	}
	s.logs = make(map[string]*childlog.Log)
	for _, name := range []string{subject.Bus, subject.Analyzer, subject.Collector} {
		s.logs[name], err = childlog.Open(name, childlog.Options{
			Path: l.LogFile(name), Show: s.screen.log, Palette: s.screen.palette,
		})
		if err != nil {
			s.closeLogs()
			return err
		}
	}
	return nil
}

// findRules is the given directory, or the one that lies beside the programs in a checkout or in an installation.
func findRules(given, bin string) (string, error) {
	if given != "" {
		return given, nil
	}
	for _, inner := range []string{"../rules", "../share/vedette/rules"} {
		dir := filepath.Join(bin, inner)
		if _, err := os.Stat(dir); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("cannot find the rules beside %q; name their directory with --rules", bin)
}

func hostID(given string) (string, error) {
	if given == "" {
		return host.ID(host.MachineIDPath)
	}
	return given, subject.ValidHost(given)
}

func (s *session) closeLogs() {
	for _, l := range s.logs {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil {
			s.screen.warn("%v", err)
		}
	}
}

// secondSignal gives a channel that is closed at the first SIGINT or SIGTERM after ctx is done: a user who presses Ctrl-C
// twice does not want to wait. calm ends it.
func secondSignal(ctx context.Context) (hurry <-chan struct{}, calm func()) {
	closed := make(chan struct{})
	signals := make(chan os.Signal, 1)
	over, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		select {
		case <-ctx.Done():
		case <-over.Done():
			return
		}
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		select {
		case <-signals:
			close(closed)
		case <-over.Done():
		}
		signal.Stop(signals)
	})
	return closed, func() {
		cancel()
		work.Wait()
	}
}

// report tells of the life of a child, one line each.
func (s *session) report(c supervise.Change) {
	switch c.Kind {
	case supervise.Running:
		s.screen.info("%s", s.screen.palette.Dim(fmt.Sprintf("%s is ready (pid %d)", c.Child, c.PID)))
	case supervise.Ended:
		s.screen.warn("%s ended (%s) after %v; starting it again in %v", c.Child, c.State, c.Lived.Round(100*time.Millisecond), c.Wait)
	case supervise.Again:
		s.screen.warn("%s was started again (pid %d)", c.Child, c.PID)
	case supervise.NotAgain:
		s.screen.warn("%v; trying again in %v", c.Err, c.Wait)
	case supervise.Killed:
		s.screen.warn("%s did not stop when asked and was killed", c.Child)
	case supervise.Stopped:
		s.screen.info("%s", s.screen.palette.Dim(fmt.Sprintf("%s has stopped", c.Child)))
	}
}

// explain adds to a failed start what the child said last.
func (s *session) explain(err error) error {
	start, ok := errors.AsType[*supervise.StartError](err)
	if !ok {
		return err
	}
	for _, line := range s.logs[start.Child].Tail() {
		s.screen.log("  " + s.screen.palette.Cyan(start.Child) + " | " + line)
	}
	return exit.Fail(err, "its log is in "+s.setup.layout.LogFile(start.Child))
}

// greet tells, once everything runs, what is watched and what to try.
func (s *session) greet() {
	p := s.screen.palette
	attached, missing := 0, 0
	for _, a := range s.pulse.health(subject.Collector).GetAttachments() {
		if a.Attached {
			attached++
			continue
		}
		missing++
		s.screen.warn("kernel program %s is not attached to %s: %s", a.Name, a.Hook, a.Reason)
	}
	rules := s.pulse.health(subject.Analyzer).GetRules()
	if rules.GetLoaded() == 0 {
		s.screen.warn("no rule is loaded, so nothing can alert; name the directory of the rules with --rules")
	}
	for _, problem := range rules.GetProblems() {
		s.screen.warn("%s", problem)
	}
	programs := fmt.Sprintf("%d kernel programs", attached)
	if missing > 0 {
		programs += fmt.Sprintf(" (%d missing)", missing)
	}
	s.screen.info("%s", p.Green(p.Bold("vedette "+s.version+" watches this host")))
	s.screen.info("%d rules and %s are active; alerts are shown here and written to %s", rules.GetLoaded(), programs, s.setup.layout.Alerts)
	s.screen.info("try, in another terminal:  %s", p.Bold(attempt))
	if s.setup.tls {
		s.screen.info("readers of alerts are let in through TLS; make a key with:  %s", p.Bold("sudo vedette creds reader --out DIR"))
	}
	s.screen.info("%s", p.Dim("stop with Ctrl-C"))
}

// attempt is a command that a rule of ours catches: a shell for whoever listens on the port of the discard service, where
// nobody does.
const attempt = `bash -c 'bash -i >& /dev/tcp/127.0.0.1/9 0>&1'`

// follow shows alerts until ctx is done.
func (s *session) follow(ctx context.Context) {
	if s.options.noFollow {
		return
	}
	l, err := s.pulse.connect(ctx)
	if err != nil {
		return
	}
	printer := &alerts.Printer{
		Out: s.screen, Palette: s.screen.palette, Zone: time.Local,
		Trouble: func(err error) { s.screen.warn("%v", err) },
	}
	err = alertlog.Read(ctx, l.Conn, alertlog.Options{
		Host: l.Host, Since: s.began, Follow: true,
		Missed: func(n uint64) {
			s.screen.warn("%d alerts left the stream before they could be shown; see %s", n, s.setup.layout.Alerts)
		},
	}, printer.Print)
	if err != nil && ctx.Err() == nil {
		s.screen.warn("alerts are not shown any more: %v; see: vedette alerts", err)
	}
}
