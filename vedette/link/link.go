// Package link connects the operator's commands to the bus: of this host through its Unix socket, or of another through TLS
// with the credentials of a reader.
package link

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/pflag"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/host"
	"github.com/vedette-edr/vedette/proto/peercred"
	"github.com/vedette-edr/vedette/proto/subject"
	"github.com/vedette-edr/vedette/vedette/exit"
	"github.com/vedette-edr/vedette/vedette/layout"
)

// Options say where the bus is. The zero value is the bus of this host.
type Options struct {
	// Prefix is the directory that Vedette was started below.
	Prefix string
	// HostID names this host on the bus; empty asks the running Vedette, then the machine id.
	HostID string
	// Server is the address of a TLS listener, tls://host:port; empty means the Unix socket.
	Server string
	// Creds is the directory that `vedette creds reader` wrote, or one of its .nk files. It goes with Server.
	Creds string
	// Notify is told when the connection is lost and when it is back; nil ignores it. It is called from one goroutine at
	// a time and must not block.
	Notify func(message string)
}

// AddFlags adds the flags that say which Vedette of this host is meant.
func AddFlags(flags *pflag.FlagSet, o *Options) {
	flags.StringVar(&o.Prefix, "prefix", "", "directory that Vedette was started below (default /)")
	flags.StringVar(&o.HostID, "host-id", "", "id of this host on the bus (default: what the running Vedette uses)")
}

// AddReaderFlags adds the flags that name a bus of another host.
func AddReaderFlags(flags *pflag.FlagSet, o *Options) {
	flags.StringVar(&o.Server, "server", "", "read through TLS from this address, tls://host:port")
	flags.StringVar(&o.Creds, "creds", "", "directory that \"vedette creds reader\" wrote, with --server")
}

// Refused turns the refusal of a subscription into what the user can do about it.
func Refused(err error) error {
	if errors.Is(err, nats.ErrPermissionViolation) {
		return exit.Refuse(errors.New("this user may read alerts and nothing else"), "run the command as root, with sudo")
	}
	return err
}

// Link is a connection to the bus. The caller closes Conn.
type Link struct {
	Conn *nats.Conn
	// Host is the token of the host in subjects; "*" when connected through TLS, where the bus gives no other host's
	// messages anyway.
	Host string
}

// Open connects. A bus that is not there, or refuses, is an error that names the remedy; a connection that is lost later
// comes back by itself.
func Open(ctx context.Context, o Options) (*Link, error) {
	if o.Server != "" {
		return openTLS(ctx, o)
	}
	if o.Creds != "" {
		return nil, exit.Refuse(errors.New("--creds needs --server"), "the bus of this host asks for no credentials")
	}
	return openSocket(ctx, o)
}

func openSocket(ctx context.Context, o Options) (*Link, error) {
	l, err := layout.Under(o.Prefix)
	if err != nil {
		return nil, exit.Refuse(err, "")
	}
	uid, err := ownerOf(l.BusRun)
	if err != nil {
		return nil, err
	}
	id, err := HostID(l, o.HostID)
	if err != nil {
		return nil, err
	}
	role := access.Reader
	if os.Geteuid() == 0 {
		role = access.Operator
	}
	dialer := &remembering{Dialer: peercred.Dialer{Path: l.Socket, WantUIDs: []uint32{uid}}}
	nc, err := connect(ctx, "nats://vedette", o, role, nats.SetCustomDialer(dialer), nats.SkipHostLookup())
	if err == nil {
		return &Link{Conn: nc, Host: id}, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(dialer.err, fs.ErrNotExist), errors.Is(dialer.err, syscall.ECONNREFUSED):
		return nil, exit.Refuse(errors.New("vedette is not running"), "start it with: sudo vedette up")
	case errors.Is(dialer.err, fs.ErrPermission):
		return nil, exit.Refuse(errors.New("this user may not use the bus"), "run the command as root, with sudo")
	case dialer.err != nil:
		return nil, exit.Refuse(dialer.err, "")
	}
	return nil, exit.Refuse(fmt.Errorf("the bus refused user %d: %w", os.Geteuid(), err),
		"run the command as root, with sudo, or name this user in uid.reader of bus.conf")
}

// ownerOf says who owns the directory of the socket. Nobody else can make a socket there, so nobody else may answer on it.
func ownerOf(dir string) (uint32, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, exit.Refuse(errors.New("vedette is not running"), "start it with: sudo vedette up")
	case err != nil:
		return 0, exit.Refuse(fmt.Errorf("cannot look for the bus: %w", err), "run the command as root, with sudo")
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("BUG: no owner of %q", dir)
	}
	return st.Uid, nil
}

// HostIDFile is where a running Vedette says which host id it uses.
func HostIDFile(l layout.Layout) string { return filepath.Join(l.Run, "host-id") }

// HostID is the token of this host: the given one, else the one that the running Vedette uses, else that of the machine.
func HostID(l layout.Layout, given string) (string, error) {
	id := given
	if id == "" {
		text, err := os.ReadFile(HostIDFile(l))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", exit.Refuse(fmt.Errorf("cannot read the host id: %w", err), "name it with --host-id")
		}
		id = strings.TrimSpace(string(text))
	}
	if id == "" {
		var err error
		if id, err = host.ID(host.MachineIDPath); err != nil {
			return "", exit.Refuse(err, "")
		}
	}
	if err := subject.ValidHost(id); err != nil {
		return "", exit.Refuse(err, "")
	}
	return id, nil
}

func openTLS(ctx context.Context, o Options) (*Link, error) {
	if !strings.HasPrefix(o.Server, "tls://") {
		return nil, exit.Refuse(fmt.Errorf("the server %q has no address of the form tls://host:port", o.Server), "alerts are read through TLS only")
	}
	if o.Creds == "" {
		return nil, exit.Refuse(errors.New("--server needs --creds"), "make credentials on that host with: sudo vedette creds reader --out DIR")
	}
	seed, err := seedFile(o.Creds)
	if err != nil {
		return nil, exit.Refuse(err, "")
	}
	key, err := nats.NkeyOptionFromSeed(seed)
	if err != nil {
		return nil, exit.Refuse(fmt.Errorf("cannot use the key %q: %w", seed, err), "")
	}
	nc, err := connect(ctx, o.Server, o, access.Reader, key, nats.RootCAs(filepath.Join(filepath.Dir(seed), "ca.pem")))
	if err != nil {
		return nil, exit.Refuse(fmt.Errorf("cannot connect to %s: %w", o.Server, err),
			"check that the bus there runs with tls.enabled and that its file of readers has this key")
	}
	return &Link{Conn: nc, Host: "*"}, nil
}

// seedFile is the one .nk file in a directory, or the file itself.
func seedFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot find the credentials: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	found, err := filepath.Glob(filepath.Join(path, "*.nk"))
	if err != nil {
		return "", fmt.Errorf("cannot look for credentials in %q: %w", path, err)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the directory %q has %d files that end in .nk; name the one to use", path, len(found))
	}
	return found[0], nil
}

const (
	connectTimeout = 3 * time.Second
	reconnectWait  = 200 * time.Millisecond
)

func connect(ctx context.Context, url string, o Options, role access.Role, more ...nats.Option) (*nats.Conn, error) {
	notify := o.Notify
	if notify == nil {
		notify = func(string) {}
	}
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.Name("vedette command"),
		nats.CustomInboxPrefix(access.Inbox(role)),
		nats.Timeout(connectTimeout),
		// A subscription that the bus refuses fails where it is read.
		nats.PermissionErrOnSubscribe(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			// Without an error it was the command itself that closed the connection.
			if err != nil {
				notify("the connection to the bus is lost, waiting for it to come back")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { notify("the connection to the bus is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			// These two are reported by whoever reads the subscription.
			if !errors.Is(err, nats.ErrSlowConsumer) && !errors.Is(err, nats.ErrPermissionViolation) {
				notify(err.Error())
			}
		}),
	}, more...)...)
	if err == nil && ctx.Err() != nil {
		nc.Close()
		return nil, ctx.Err()
	}
	return nc, err
}

// remembering keeps the last error, which nats.go replaces by its own.
type remembering struct {
	peercred.Dialer
	err error
}

// Dial implements nats.CustomDialer.
func (r *remembering) Dial(network, address string) (net.Conn, error) {
	conn, err := r.Dialer.Dial(network, address)
	r.err = err
	return conn, err
}
