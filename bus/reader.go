package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/bus/access"
	"github.com/vedette-edr/vedette/bus/keyring"
	"github.com/vedette-edr/vedette/proto/subject"
)

// Reader says where AddReader put what an ordinary NATS client needs to read alerts.
type Reader struct {
	Name string
	// Nkey is the public key, as noted in the bus's file of readers.
	Nkey string
	// SeedFile holds the secret (mode 0600), CAFile the certificate to pin, Example a script that follows alerts with
	// the nats command.
	SeedFile string
	CAFile   string
	Example  string
}

// AddReader lets one more reader in: it notes a new key in the bus of storeDir, which takes it over within a second, and
// writes the reader's files to outDir, which is made if missing. Existing files are never replaced, except by the same
// certificate. The caller needs to be able to write to both directories.
func AddReader(storeDir, outDir, name string) (Reader, error) {
	if err := keyring.ValidName(name); err != nil {
		return Reader{}, err
	}
	r := Reader{
		Name:     name,
		SeedFile: filepath.Join(outDir, name+".nk"),
		CAFile:   filepath.Join(outDir, "ca.pem"),
		Example:  filepath.Join(outDir, name+".sh"),
	}
	identity, err := keyring.Identity(storeDir, "", time.Now())
	if err != nil {
		return Reader{}, err
	}
	if err := os.MkdirAll(outDir, 0o700); err != nil {
		return Reader{}, fmt.Errorf("cannot make the directory for the credentials: %w", err)
	}
	if err := r.checkVacant(); err != nil {
		return Reader{}, err
	}
	key, seed, err := keyring.Add(storeDir, name)
	if err != nil {
		return Reader{}, err
	}
	defer clear(seed)
	r.Nkey = key.Nkey
	err = errors.Join(
		create(r.SeedFile, append(seed, '\n'), 0o600),
		create(r.Example, []byte(example(name)), 0o700),
		createOrKeep(r.CAFile, keyring.CertificatePEM(identity)),
	)
	if err != nil {
		return Reader{}, fmt.Errorf("%w; the key %s of %q is in the bus's file of readers, remove its line before you try again", err, key.Nkey, name)
	}
	return r, nil
}

func (r Reader) checkVacant() error {
	for _, path := range []string{r.SeedFile, r.Example} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%q exists, choose another name or directory", path)
		}
	}
	return nil
}

func create(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("cannot create %q: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write %q: %w", path, err)
	}
	return nil
}

func createOrKeep(path string, content []byte) error {
	err := create(path, content, 0o644)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	if old, readErr := os.ReadFile(path); readErr != nil || string(old) != string(content) {
		return fmt.Errorf("%q is there already and is not the certificate of this bus, choose another directory", path)
	}
	return nil
}

func example(name string) string {
	return strings.NewReplacer(
		"SERVER", "tls://"+DefaultTLSListen, "NAME", name,
		"INBOX", access.Inbox(access.Reader), "SUBJECT", subject.AllAlerts("*"),
	).Replace(`#!/bin/sh
# Follows the alerts of a host with the stock nats command. The address is that of tls.listen in its bus.conf.
here=$(dirname "$0")
exec nats --server "${1:-SERVER}" --nkey "$here/NAME.nk" --tlsca "$here/ca.pem" --inbox-prefix INBOX sub 'SUBJECT'
`)
}
