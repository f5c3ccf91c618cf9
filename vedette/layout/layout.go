// Package layout names the directories and files of one installation and makes them with their owners.
package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Layout holds absolute paths. Everything that runs at the same time on one host with one bus shares a Layout.
type Layout struct {
	// Run is removed when Vedette stops.
	Run    string
	BusRun string
	Socket string
	Lock   string

	State         string
	BusState      string
	AnalyzerState string
	// Stage holds root's copies of the programs and rules while Vedette runs.
	Stage string

	Log    string
	Alerts string

	Config string
}

// Under gives the layout below prefix; "" and "/" give the system's own.
func Under(prefix string) (Layout, error) {
	if prefix == "" {
		prefix = "/"
	}
	prefix, err := filepath.Abs(prefix)
	if err != nil {
		return Layout{}, fmt.Errorf("cannot find the prefix %q: %w", prefix, err)
	}
	at := func(parts ...string) string { return filepath.Join(append([]string{prefix}, parts...)...) }
	l := Layout{
		Run:           at("run/vedette"),
		BusRun:        at("run/vedette/bus"),
		Socket:        at("run/vedette/bus/bus.sock"),
		Lock:          at("run/vedette/up.pid"),
		State:         at("var/lib/vedette"),
		BusState:      at("var/lib/vedette/bus"),
		AnalyzerState: at("var/lib/vedette/analyzer"),
		Stage:         at("var/lib/vedette/stage"),
		Log:           at("var/log/vedette"),
		Alerts:        at("var/log/vedette/alerts.ndjson"),
		Config:        at("etc/vedette"),
	}
	// sun_path of unix(7) has 108 bytes with the closing NUL.
	if len(l.Socket) > 107 {
		return Layout{}, fmt.Errorf("the socket path %q is longer than 107 bytes; choose a shorter --prefix", l.Socket)
	}
	return l, nil
}

// ConfigFile is the configuration of a component, which need not exist.
func (l Layout) ConfigFile(component string) string {
	return filepath.Join(l.Config, component+".conf")
}

// LogFile is where `vedette up` keeps what a component says on stderr.
func (l Layout) LogFile(component string) string { return filepath.Join(l.Log, component+".log") }

// Owners are the identities that own directories.
type Owners struct {
	BusUID, AnalyzerUID, GID int
}

// Make makes every directory with its owner and mode and corrects those that exist. It needs root, and each parent must
// belong to root, or its owner could change the path meanwhile.
func (l Layout) Make(o Owners) error {
	for _, d := range []struct {
		path     string
		uid, gid int
		mode     fs.FileMode
	}{
		{l.Run, 0, 0, 0o755},
		{l.BusRun, o.BusUID, o.GID, 0o750},
		{l.State, 0, 0, 0o755},
		{l.BusState, o.BusUID, o.GID, 0o700},
		{l.AnalyzerState, o.AnalyzerUID, o.GID, 0o700},
		{l.Log, o.AnalyzerUID, o.GID, 0o750},
	} {
		if err := makeDir(d.path, d.uid, d.gid, d.mode); err != nil {
			return err
		}
		if err := Reachable(filepath.Dir(d.path)); err != nil {
			return err
		}
	}
	return nil
}

func makeDir(path string, uid, gid int, mode fs.FileMode) error {
	if err := makeParents(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cannot make directory %q: %w", path, err)
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot make directory %q: %w", path, err)
	}
	// Opened once, so that owner and mode go to the directory that was looked at.
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("cannot use %q as a directory: %w; remove what stands there", path, err)
	}
	defer dir.Close()
	if err := dir.Chown(uid, gid); err != nil {
		return fmt.Errorf("cannot give directory %q to uid %d: %w", path, uid, err)
	}
	if err := dir.Chmod(mode); err != nil {
		return fmt.Errorf("cannot set the mode of directory %q: %w", path, err)
	}
	return nil
}

// makeParents makes what is missing above a directory, for everybody to pass through whatever the umask says.
func makeParents(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// Reachable checks that every user may pass through dir and its parents.
func Reachable(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("cannot check directory %q: %w", at, err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("the restricted users cannot pass through %q (mode %04o); choose a --prefix that every user may pass through",
				at, info.Mode().Perm())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// Clear removes what only a running Vedette needs: the runtime directory and the stage.
func (l Layout) Clear() error {
	return errors.Join(removeAll(l.Stage), removeAll(l.Run))
}

func removeAll(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("cannot remove %q: %w", path, err)
	}
	return nil
}
