// Package keyring keeps the secrets of the bus in its store directory: the TLS identity that readers pin, and the file of
// nkeys that may read alerts.
//
// The directory belongs to the bus's unprivileged user, while keys are added by root: files are opened beneath the
// directory only, and nothing but what was checked is read from or appended to them.
package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	identityFile = "tls.pem"
	// maxFile bounds what is read of any file here.
	maxFile = 1 << 20
	// A pinned certificate that runs out breaks every reader at once, and its key never leaves the directory.
	validity = 20 * 365 * 24 * time.Hour
	// skew forgives clocks that are behind.
	skew = 24 * time.Hour
)

// errNames is the refusal of a file that has other names as well.
var errNames = errors.New("it has several names, as a link to a foreign file would")

// Identity returns the certificate and key in storeDir, made at the first call. The certificate is its own authority and
// stands for localhost, the loopback addresses and listenHost, if not empty.
func Identity(storeDir, listenHost string, now time.Time) (tls.Certificate, error) {
	root, err := os.OpenRoot(storeDir)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot open the store of the bus: %w", err)
	}
	defer root.Close()
	path := filepath.Join(storeDir, identityFile)
	cert, err := loadIdentity(root)
	for try := 0; errors.Is(err, errNames) && try < 20; try++ {
		// Another process is creating it, between link and remove.
		time.Sleep(10 * time.Millisecond)
		cert, err = loadIdentity(root)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = createIdentity(root, listenHost, now); err == nil {
			cert, err = loadIdentity(root)
		}
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot use the TLS identity %q: %w", path, err)
	}
	const remedy = "remove %[1]q, restart the bus and hand out new reader credentials"
	if now.After(cert.Leaf.NotAfter) {
		return tls.Certificate{}, fmt.Errorf("the certificate in %[1]q expired on %[2]s: "+remedy, path, cert.Leaf.NotAfter.Format(time.DateOnly))
	}
	if listenHost != "" && !net.ParseIP(listenHost).IsUnspecified() {
		if err := cert.Leaf.VerifyHostname(listenHost); err != nil {
			return tls.Certificate{}, fmt.Errorf("the certificate in %[1]q does not stand for %[2]q: "+remedy, path, listenHost)
		}
	}
	return cert, nil
}

// CertificatePEM is the public half of an identity: what a reader pins.
func CertificatePEM(identity tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: identity.Leaf.Raw})
}

// IdentityPath is where Identity keeps certificate and key, one after the other.
func IdentityPath(storeDir string) string { return filepath.Join(storeDir, identityFile) }

func loadIdentity(root *os.Root) (tls.Certificate, error) {
	f, err := openRegular(root, identityFile, os.O_RDONLY, 0)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read its permissions: %w", err)
	}
	if stat.Mode().Perm()&0o077 != 0 {
		return tls.Certificate{}, fmt.Errorf("others may read the key (mode %04o): set mode 0600, or remove the file to have a new key made", stat.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read it: %w", err)
	}
	cert, err := tls.X509KeyPair(content, content)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot decode it: %w; remove it to have a new one made", err)
	}
	return cert, nil
}

func createIdentity(root *os.Root, listenHost string, now time.Time) error {
	content, err := newIdentity(listenHost, now)
	if err != nil {
		return err
	}
	// Complete under another name, then linked: whoever else creates one at this moment wins or loses as a whole.
	fresh := identityFile + "." + hex.EncodeToString(random(8))
	f, err := openRegular(root, fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer root.Remove(fresh)
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write it: %w", err)
	}
	if err := root.Link(fresh, identityFile); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot put it in its place: %w", err)
	}
	return nil
}

func newIdentity(listenHost string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	cert := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(random(16)),
		Subject:               pkix.Name{CommonName: "Vedette bus"},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(listenHost); ip != nil && !ip.IsUnspecified() {
		cert.IPAddresses = append(cert.IPAddresses, ip)
	} else if ip == nil && listenHost != "" {
		cert.DNSNames = append(cert.DNSNames, listenHost)
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a key: %w", err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(content, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

func random(n int) []byte {
	b := make([]byte, n)
	// crypto/rand.Read never fails; it ends the program instead.
	rand.Read(b)
	return b
}
