package bus

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/door"
	"github.com/vedette-edr/vedette/bus/keyring"
)

// StockConfig writes the configuration file with which a stock nats-server (2.9 or newer) can stand in for the bus: the
// same accounts, permissions and limits, listening with TLS on o.TLSListen. As a stock server does not ask the kernel who
// is calling, every role proves itself by an nkey, readers by those in the file of readers of o.StoreDir; nkeys has the
// public key of each of the other roles. It also makes the TLS identity in o.StoreDir if there is none.
//
// A stock server has no alert stream at first: whoever sets it up calls EnsureStream once with a connection that has the
// nkey of the role Bus. Nobody else can create it. After a change of the file of readers the configuration has to be
// written again and the server to be told to reload.
func StockConfig(w io.Writer, o Options, nkeyOf map[access.Role]string) error {
	o, err := o.withDefaults()
	if err != nil {
		return fmt.Errorf("cannot write a server configuration: %w", err)
	}
	host, _, err := net.SplitHostPort(o.TLSListen)
	if err != nil {
		return fmt.Errorf("a stock server needs a TLS address, not %q: %w", o.TLSListen, err)
	}
	if _, err := keyring.Identity(o.StoreDir, host, time.Now()); err != nil {
		return err
	}
	readers, _, problems, err := keyring.NewFile(o.StoreDir).Poll()
	if err = errors.Join(append(problems, err)...); err != nil {
		return fmt.Errorf("cannot write a server configuration: %w", err)
	}
	login := func(r access.Role) access.Login {
		if !nkeys.IsValidPublicUserKey(nkeyOf[r]) {
			err = errors.Join(err, fmt.Errorf("role %q needs the public nkey of a user, not %q", r, nkeyOf[r]))
		}
		return access.Login{User: string(r), Nkey: nkeyOf[r]}
	}
	logins := access.Logins{
		Collector: login(access.Collector),
		Analyzer:  login(access.Analyzer),
		Operator:  login(access.Operator),
		Bus:       login(access.Bus),
	}
	for _, r := range readers {
		logins.Readers = append(logins.Readers, access.Login{User: r.Name, Nkey: r.Nkey})
	}
	if err != nil {
		return fmt.Errorf("cannot write a server configuration: %w", err)
	}
	identity := keyring.IdentityPath(o.StoreDir)
	return access.WriteConfig(w, access.Server{
		Host:           o.Host,
		Name:           "vedette-" + o.Host,
		Logins:         logins,
		StoreDir:       o.StoreDir,
		MaxConnections: door.MaxHost,
		Listen:         o.TLSListen,
		Certificate:    identity,
		Key:            identity,
	})
}
