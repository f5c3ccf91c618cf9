// Package accounts keeps the system users and the group that Vedette's processes run as.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

// Names of the group and of the users, one user per role: the bus tells roles apart by uid.
const (
	Group     = "vedette"
	Bus       = "vedette-bus"
	Collector = "vedette-collector"
	Analyzer  = "vedette-analyzer"
)

// Set holds the numbers behind the names.
type Set struct {
	GID, Bus, Collector, Analyzer int
}

// System is what Ensure asks of the host; Host is the real one.
type System interface {
	// Group returns the gid of a group, or an error that wraps ErrUnknown.
	Group(name string) (gid int, err error)
	// User returns the ids of a user, or an error that wraps ErrUnknown.
	User(name string) (uid, gid int, err error)
	// Run runs an administration tool and returns an error with what it said.
	Run(ctx context.Context, tool string, args ...string) error
}

// ErrUnknown is wrapped when a user or group does not exist.
var ErrUnknown = errors.New("it does not exist")

// Ensure returns the ids of the group and users and creates those that are missing. It never changes one that exists:
// a user that does not fit is an error with the remedy.
func Ensure(ctx context.Context, sys System) (Set, error) {
	var set Set
	gid, err := sys.Group(Group)
	if errors.Is(err, ErrUnknown) {
		if err := create(ctx, sys, "groupadd", "--system", Group); err != nil {
			return Set{}, err
		}
		gid, err = sys.Group(Group)
	}
	if err != nil {
		return Set{}, fmt.Errorf("cannot find group %q: %w", Group, err)
	}
	set.GID = gid

	names := map[int]string{0: "root"}
	for _, u := range []struct {
		name string
		uid  *int
	}{{Bus, &set.Bus}, {Collector, &set.Collector}, {Analyzer, &set.Analyzer}} {
		uid, primary, err := sys.User(u.name)
		if errors.Is(err, ErrUnknown) {
			if err := create(ctx, sys, "useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent",
				"--shell", "/usr/sbin/nologin", "--gid", Group, u.name); err != nil {
				return Set{}, err
			}
			uid, primary, err = sys.User(u.name)
		}
		if err != nil {
			return Set{}, fmt.Errorf("cannot find user %q: %w", u.name, err)
		}
		if primary != gid {
			return Set{}, fmt.Errorf("user %q has group %d, not %q (%d); run: usermod --gid %s %s", u.name, primary, Group, gid, Group, u.name)
		}
		if other, taken := names[uid]; taken {
			return Set{}, fmt.Errorf("users %q and %q share uid %d, but a uid is what tells roles apart; delete user %q and start again",
				u.name, other, uid, u.name)
		}
		names[uid] = u.name
		*u.uid = uid
	}
	return set, nil
}

// Lookup returns the uid of one of the users without creating it.
func Lookup(sys System, name string) (int, error) {
	uid, _, err := sys.User(name)
	if err != nil {
		return 0, fmt.Errorf("cannot find user %q: %w", name, err)
	}
	return uid, nil
}

func create(ctx context.Context, sys System, tool string, args ...string) error {
	err := sys.Run(ctx, tool, args...)
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed; install the package that has it (Debian: passwd, Alpine: shadow) or create %q yourself with: %s %s",
			tool, args[len(args)-1], tool, strings.Join(args, " "))
	}
	if err != nil {
		return fmt.Errorf("cannot create %q: %w", args[len(args)-1], err)
	}
	return nil
}

// Host is the running system.
type Host struct{}

var _ System = Host{}

// Group implements System.
func (Host) Group(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if _, unknown := errors.AsType[user.UnknownGroupError](err); unknown {
		return 0, ErrUnknown
	}
	if err != nil {
		return 0, err
	}
	return number(g.Gid)
}

// User implements System.
func (Host) User(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return 0, 0, ErrUnknown
	}
	if err != nil {
		return 0, 0, err
	}
	if uid, err = number(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = number(u.Gid)
	return uid, gid, err
}

// Run implements System.
func (Host) Run(ctx context.Context, tool string, args ...string) error {
	path, err := exec.LookPath(tool)
	if err != nil {
		// root's PATH after su(1) often lacks the directory of these tools.
		sbin, absent := exec.LookPath("/usr/sbin/" + tool)
		if absent != nil {
			return err
		}
		path = sbin
	}
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("id %q is not a number: %w", s, err)
	}
	return n, nil
}
