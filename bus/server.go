package bus

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
)

const (
	// startTimeout covers the recovery of a full alert stream from a slow disk.
	startTimeout = 30 * time.Second
	// syncInterval is how often alerts go from the page cache to the disk. An acknowledged alert has been written to its
	// file, so a crash or kill -9 of the bus loses none; a power failure can lose this much. Syncing every alert would cost
	// a disk flush each, and the analyzer keeps a file of alerts of its own.
	syncInterval = 5 * time.Second
	// ownConnections are those of the bus itself, with room for clients that the server has not quite buried yet.
	ownConnections = 16
)

// newLogins makes passwords that live as long as this process and never leave it.
func newLogins(readers int) access.Logins {
	login := func(user string) access.Login {
		var secret [24]byte
		// crypto/rand.Read never fails; it ends the program instead.
		rand.Read(secret[:])
		return access.Login{User: user, Password: base64.RawURLEncoding.EncodeToString(secret[:])}
	}
	l := access.Logins{
		Collector: login(string(access.Collector)),
		Analyzer:  login(string(access.Analyzer)),
		Operator:  login(string(access.Operator)),
		Bus:       login(string(access.Bus)),
	}
	for i := range readers {
		l.Readers = append(l.Readers, login(fmt.Sprintf("%s-%d", access.Reader, i+1)))
	}
	return l
}

// startServer starts the embedded nats-server. It listens nowhere: connections come from its InProcessConn.
func startServer(o Options, logins access.Logins, log *serverLog) (*server.Server, error) {
	var config bytes.Buffer
	err := access.WriteConfig(&config, access.Server{
		Host:           o.Host,
		Name:           "vedette-" + o.Host,
		Logins:         logins,
		StoreDir:       o.StoreDir,
		MaxConnections: door.MaxHost + len(logins.Readers) + ownConnections,
	})
	if err != nil {
		return nil, err
	}
	var opts server.Options
	if err := opts.ProcessConfigString(config.String()); err != nil {
		return nil, fmt.Errorf("BUG: nats-server refuses our configuration: %w", err)
	}
	opts.DontListen = true
	opts.NoSigs = true
	opts.DisableJetStreamBanner = true
	opts.MaxClosedClients = 16
	// Not in the configuration file: nats-server has had a word for it only since 2.10.
	opts.SyncInterval = syncInterval

	ns, err := server.NewServer(&opts)
	if err != nil {
		return nil, fmt.Errorf("cannot set up nats-server: %w", err)
	}
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()
	if !ns.ReadyForConnections(startTimeout) || !ns.JetStreamEnabled() {
		err = errors.Join(fmt.Errorf("cannot start nats-server with its store in %q", o.StoreDir), log.fatal())
		stopServer(ns)
		return nil, err
	}
	return ns, nil
}

func stopServer(ns *server.Server) {
	ns.Shutdown()
	ns.WaitForShutdown()
}
