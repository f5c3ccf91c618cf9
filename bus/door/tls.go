package door

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/vedette-edr/vedette/bus/access"
)

// authorizationViolation is the text by which NATS clients recognise that their key is at fault.
const authorizationViolation = "Authorization Violation"

// SetReaders replaces the keys that ServeTLS admits: public nkeys with the name of each. Connections with a key that is
// no longer there are closed. The caller must not change keys afterwards.
func (d *Door) SetReaders(keys map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers = keys
	for raw, g := range d.conns {
		if g == nil || g.Nkey == "" {
			continue
		}
		// Below TLS, which would first wait for a slow client to take its last word.
		if _, valid := keys[g.Nkey]; !valid {
			raw.Close()
		}
	}
}

// ServeTLS admits readers that prove one of the keys of SetReaders, until ctx ends; it closes l. As NATS has it, the
// greeting with the nonce goes out in the clear and everything after it is TLS 1.3.
func (d *Door) ServeTLS(ctx context.Context, l net.Listener, cert tls.Certificate) error {
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	return d.serve(ctx, l, func(conn net.Conn) { d.receiveTLS(ctx, conn, config) })
}

func (d *Door) receiveTLS(ctx context.Context, plain net.Conn, config *tls.Config) {
	uid := peerUID(plain)
	owner := fmt.Sprintf("uid %d", uid)
	plain.SetDeadline(time.Now().Add(d.opts.HandshakeTimeout))
	if err := d.tlsLobby.take(owner); err != nil {
		d.refuse(uid, err.Error())
		return
	}
	leaveLobby := sync.OnceFunc(func() { d.tlsLobby.release(owner) })
	defer leaveLobby()

	hello := d.hello
	hello.AuthRequired, hello.TLSRequired, hello.Nonce = true, true, newNonce()
	if _, err := plain.Write(hello.line()); err != nil {
		d.refuse(uid, err.Error())
		return
	}
	conn := tls.Server(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		d.refuse(uid, fmt.Sprintf("TLS handshake: %v", err))
		return
	}
	in := bufio.NewReaderSize(conn, maxLine)
	line, err := readLine(in)
	if err != nil {
		d.noConnect(conn, uid, err)
		return
	}
	c, err := parseConnect(line)
	if err != nil {
		d.turnAway(conn, uid, err.Error())
		return
	}
	name, err := d.reader(c, hello.Nonce)
	if err != nil {
		// The client is told no more than that it failed.
		d.refuse(uid, fmt.Sprintf("%v (nkey %q)", err, brief(c.nkey, 64)))
		d.sayNo(conn, authorizationViolation)
		return
	}
	for _, limit := range []struct {
		of    *quota
		owner string
	}{{d.tlsUsers, owner}, {d.keys, "key " + c.nkey}} {
		if err := limit.of.take(limit.owner); err != nil {
			d.turnAway(conn, uid, err.Error())
			return
		}
		defer limit.of.release(limit.owner)
	}
	d.admit(visitor{
		raw: plain, conn: conn, in: in, leaveLobby: leaveLobby,
		guest: Guest{Role: access.Reader, UID: uid, Reader: name, Nkey: c.nkey},
	}, c)
}

// reader checks the proof in a CONNECT and returns the name of the key.
func (d *Door) reader(c connect, nonce string) (string, error) {
	if c.nkey == "" || c.sig == "" {
		return "", errors.New("no nkey: anonymous access is refused")
	}
	name, known := d.known(c.nkey)
	if !known && d.opts.Refresh != nil {
		d.opts.Refresh()
		name, known = d.known(c.nkey)
	}
	if !known {
		return "", errors.New("this nkey is not in the file of readers")
	}
	key, err := nkeys.FromPublicKey(c.nkey)
	if err != nil {
		return "", fmt.Errorf("cannot read nkey: %w", err)
	}
	// Clients differ in their alphabet and padding; nats-server takes both.
	sig, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.sig, "="))
	if err != nil {
		sig, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(c.sig, "="))
	}
	if err != nil {
		return "", fmt.Errorf("cannot decode the signature: %w", err)
	}
	if err := key.Verify([]byte(nonce), sig); err != nil {
		return "", fmt.Errorf("the signature does not prove the nkey: %w", err)
	}
	return name, nil
}

func (d *Door) known(nkey string) (name string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name, ok = d.readers[nkey]
	return name, ok
}

func newNonce() string {
	var raw [16]byte
	// crypto/rand.Read never fails; it ends the program instead.
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
