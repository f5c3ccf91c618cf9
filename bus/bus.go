// Package bus is the process through which Vedette's parts on a host talk: an embedded nats-server that listens nowhere
// itself, a Unix socket where the kernel says who is calling, and an optional TLS front for readers of alerts.
//
// Package access says who may do what, package door lets clients in, package keyring keeps keys; this package starts them
// together, owns the alert stream, and reports the health of the whole every second.
package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
	"github.com/vedette-edr/vedette/bus/keyring"
)

// pulse is how often health goes out and the file of readers is looked at.
const pulse = time.Second

// Run serves the bus of one host until ctx ends; it then returns nil, with every goroutine, connection and socket gone.
// An error says what to do about it.
func Run(ctx context.Context, o Options) error {
	b, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	return b.serve(ctx)
}

// bus is everything that Run has open. Fields are nil until open has come to them.
type bus struct {
	opts    Options
	log     zerolog.Logger
	started time.Time

	lock   *os.File
	socket *door.Unix
	tls    net.Listener
	cert   tls.Certificate
	logins access.Logins
	ns     *server.Server
	nsLog  *serverLog
	nc     *nats.Conn
	door   *door.Door

	// Guards what follows: the beat and every refused key look at the file of readers.
	readersMu      sync.Mutex
	readers        *keyring.File
	readerWarnings []string
}

// open takes everything that the bus needs, in the order in which it is likely to be refused.
func open(ctx context.Context, o Options) (_ *bus, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, fmt.Errorf("cannot start the bus: %w", err)
	}
	b := &bus{opts: o, log: *o.Log, started: time.Now(), readers: keyring.NewFile(o.StoreDir)}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.lock, err = lockStore(o.StoreDir); err != nil {
		return nil, err
	}
	// Bound before the server has recovered its store: clients that come early wait in the backlog and are not refused.
	if b.socket, err = door.ListenUnix(o.Socket, o.SocketMode); err != nil {
		return nil, err
	}
	if o.TLSListen != "" {
		if err := b.listenTLS(); err != nil {
			return nil, err
		}
	}
	b.logins = newLogins(o.ReaderSeats)
	b.nsLog = newServerLog(b.log)
	if b.ns, err = startServer(o, b.logins, b.nsLog); err != nil {
		return nil, err
	}
	if b.nc, err = b.connect(b.logins.Bus); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := EnsureStream(ctx, b.nc, o.AlertsMaxAge, o.AlertsMaxBytes); err != nil {
		return nil, err
	}
	b.door, err = door.New(door.Options{Dial: b.ns.InProcessConn, Logins: b.logins, Log: b.log, Refresh: b.pollReaders})
	if err != nil {
		return nil, err
	}
	b.pollReaders()
	return b, nil
}

func (b *bus) listenTLS() error {
	host, _, err := net.SplitHostPort(b.opts.TLSListen)
	if err != nil {
		return fmt.Errorf("TLS address %q must be host:port: %w", b.opts.TLSListen, err)
	}
	if b.cert, err = keyring.Identity(b.opts.StoreDir, host, time.Now()); err != nil {
		return err
	}
	b.tls, err = net.Listen("tcp", b.opts.TLSListen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens on the TLS address %s: stop it, or choose a free one with --tls-listen or tls.listen in bus.conf", b.opts.TLSListen)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on the TLS address %q, choose another with --tls-listen or tls.listen in bus.conf: %w", b.opts.TLSListen, err)
	}
	return nil
}

func (b *bus) connect(login access.Login) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(b.ns),
		nats.Name("vedette bus"), nats.UserInfo(login.User, login.Password),
		nats.CustomInboxPrefix(access.Inbox(access.Bus)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Error().Err(err).Msg("connection of the bus to itself")
		}))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the embedded server: %w", err)
	}
	return nc, nil
}

// serve lets clients in until ctx ends or a listener fails.
func (b *bus) serve(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var work sync.WaitGroup
	start := func(f func() error) {
		work.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error { return b.door.ServeUnix(ctx, b.socket.UnixListener, b.opts.UIDs) })
	where := Listening{Socket: b.opts.Socket}
	if b.tls != nil {
		where.TLS = b.tls.Addr()
		start(func() error { return b.door.ServeTLS(ctx, b.tls, b.cert) })
	}
	start(func() error { b.beat(ctx); return nil })
	up := b.log.Info().Str("socket", where.Socket).Str("store", b.opts.StoreDir)
	if where.TLS != nil {
		up = up.Stringer("tls", where.TLS)
	}
	up.Msg("bus is up")
	if b.opts.Started != nil {
		b.opts.Started(where)
	}

	<-ctx.Done()
	work.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// beat does once a second what cannot be waited for.
func (b *bus) beat(ctx context.Context) {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for {
		b.publishHealth()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		b.pollReaders()
	}
}

// pollReaders takes over a changed file of readers. Lines that cannot be used cost only themselves.
func (b *bus) pollReaders() {
	b.readersMu.Lock()
	defer b.readersMu.Unlock()
	readers, changed, problems, err := b.readers.Poll()
	if err != nil {
		problems = []error{err}
	}
	if !changed && err == nil {
		return
	}
	var warnings []string
	for _, p := range problems {
		warnings = append(warnings, p.Error())
	}
	if len(warnings) > 0 && (changed || len(b.readerWarnings) == 0 || b.readerWarnings[0] != warnings[0]) {
		b.log.Error().Strs("problems", warnings).Msg("file of readers has faults")
	}
	b.readerWarnings = warnings
	if !changed {
		return
	}
	keys := make(map[string]string, len(readers))
	for _, r := range readers {
		keys[r.Nkey] = r.Name
	}
	b.door.SetReaders(keys)
	b.log.Info().Int("readers", len(keys)).Msg("file of readers taken over")
}

// close gives everything back, newest first; serve must have returned.
func (b *bus) close() {
	if b.tls != nil {
		b.tls.Close()
	}
	if b.socket != nil {
		b.socket.Close()
	}
	if b.door != nil {
		b.door.Close()
	}
	if b.nc != nil {
		b.nc.Close()
	}
	if b.ns != nil {
		stopServer(b.ns)
	}
	if b.lock != nil {
		b.lock.Close()
	}
}
