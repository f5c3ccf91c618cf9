package bus

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Defaults of Options and Config.
const (
	DefaultSocket         = "/run/vedette/bus/bus.sock"
	DefaultStoreDir       = "/var/lib/vedette/bus"
	DefaultTLSListen      = "127.0.0.1:4222"
	DefaultAlertsMaxAge   = 30 * 24 * time.Hour
	DefaultAlertsMaxBytes = 256 << 20
	DefaultReaderSeats    = 16
)

// maxReaderSeats bounds the accounts of the server; each costs a little at every alert.
const maxReaderSeats = 128

// Options tell Run what to do. Host is required; the zero value of everything else means its default.
type Options struct {
	// Host is the token of this host in subjects.
	Host string
	// BootID and Version are repeated in health.bus.
	BootID  string
	Version string
	// Socket is the path of the Unix socket, in a directory that exists; default DefaultSocket.
	Socket string
	// SocketMode are its permissions; default 0660. The socket gets the group of its directory.
	SocketMode os.FileMode
	// StoreDir holds the alert stream, the TLS identity and the file of readers; default DefaultStoreDir. It must exist and
	// belong to the user that runs the bus.
	StoreDir string
	// UIDs gives the role of each user that may use the socket. Default: root is the operator, and nobody else comes in.
	UIDs map[uint32]access.Role
	// TLSListen is the address of the TLS front for readers, such as DefaultTLSListen; empty means none.
	TLSListen string
	// AlertsMaxAge and AlertsMaxBytes bound the alert stream; the oldest alerts leave first.
	AlertsMaxAge   time.Duration
	AlertsMaxBytes int64
	// ReaderSeats is how many readers may be connected at a time, 1 to 128; default DefaultReaderSeats.
	ReaderSeats int
	// Log gets what happens; default nothing.
	Log *zerolog.Logger
	// Started, if set, is called once when everything listens.
	Started func(Listening)
}

// Listening says where a bus can be reached.
type Listening struct {
	Socket string
	// TLS is nil without a TLS front.
	TLS net.Addr
}

func (o Options) withDefaults() (Options, error) {
	if o.Socket == "" {
		o.Socket = DefaultSocket
	}
	if o.SocketMode == 0 {
		o.SocketMode = 0o660
	}
	if o.StoreDir == "" {
		o.StoreDir = DefaultStoreDir
	}
	if o.UIDs == nil {
		o.UIDs = map[uint32]access.Role{0: access.Operator}
	}
	if o.AlertsMaxAge == 0 {
		o.AlertsMaxAge = DefaultAlertsMaxAge
	}
	if o.AlertsMaxBytes == 0 {
		o.AlertsMaxBytes = DefaultAlertsMaxBytes
	}
	if o.ReaderSeats == 0 {
		o.ReaderSeats = DefaultReaderSeats
	}
	if o.Log == nil {
		nop := zerolog.Nop()
		o.Log = &nop
	}
	return o, o.check()
}

// check reports everything that is wrong at once.
func (o Options) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := subject.ValidHost(o.Host); err != nil {
		errs = append(errs, err)
	}
	for what, path := range map[string]string{"socket": o.Socket, "store": o.StoreDir} {
		if !filepath.IsAbs(path) {
			fail("%s path %q must be absolute", what, path)
		}
		for _, r := range path {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				fail("%s path %q holds %q: only printable ASCII without quotes and backslashes is supported", what, path, r)
				break
			}
		}
	}
	for uid, role := range o.UIDs {
		if role == access.Bus {
			fail("uid %d cannot have the role %q, which is the server's own", uid, role)
		} else if _, err := access.ParseRole(string(role)); err != nil {
			fail("uid %d: %w", uid, err)
		}
	}
	if o.TLSListen != "" {
		if _, _, err := net.SplitHostPort(o.TLSListen); err != nil {
			fail("TLS address %q must be host:port: %w", o.TLSListen, err)
		}
	}
	// JetStream reads a negative age or size as "no limit".
	if o.AlertsMaxAge < 2*duplicateWindow {
		fail("alerts must be kept for at least %s, not %s", 2*duplicateWindow, o.AlertsMaxAge)
	}
	if o.AlertsMaxBytes < 8<<20 || o.AlertsMaxBytes > access.MaxStore/2 {
		fail("the alert stream can have 8 MiB to 512 GiB, not %d bytes", o.AlertsMaxBytes)
	}
	if o.ReaderSeats < 1 || o.ReaderSeats > maxReaderSeats {
		fail("reader seats must be 1 to %d, not %d", maxReaderSeats, o.ReaderSeats)
	}
	return errors.Join(errs...)
}
