package door

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/vedette-edr/vedette/bus/access"
)

// maxLine bounds the first line of either side, in bytes.
const maxLine = 4 << 10

// info is the greeting of a NATS server, as far as it concerns a client at the door. Addresses of the server are left
// out, so that no client learns of another way in.
type info struct {
	ID           string `json:"server_id"`
	Name         string `json:"server_name"`
	Version      string `json:"version"`
	Proto        int    `json:"proto"`
	Go           string `json:"go"`
	Host         string `json:"host"`
	Port         int    `json:"port"`
	Headers      bool   `json:"headers"`
	MaxPayload   int32  `json:"max_payload"`
	JetStream    bool   `json:"jetstream,omitempty"`
	AuthRequired bool   `json:"auth_required,omitempty"`
	TLSRequired  bool   `json:"tls_required,omitempty"`
	Nonce        string `json:"nonce,omitempty"`
}

func (i info) line() []byte {
	// Marshalling a struct of strings, numbers and booleans cannot fail.
	body, _ := json.Marshal(i)
	return fmt.Appendf(nil, "INFO %s\r\n", body)
}

// parseInfo reads the first line of a server.
func parseInfo(line []byte) (info, error) {
	body, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok {
		return info{}, fmt.Errorf("the server greets with %.40q instead of INFO", line)
	}
	var i info
	if err := json.Unmarshal(body, &i); err != nil {
		return info{}, fmt.Errorf("cannot decode the server's INFO: %w", err)
	}
	return info{
		ID: i.ID, Name: i.Name, Version: i.Version, Proto: i.Proto, Go: i.Go, Headers: i.Headers,
		MaxPayload: i.MaxPayload, JetStream: i.JetStream,
	}, nil
}

// connect is a client's first line. Only these fields survive the door; whatever else a client sends (user, password,
// token, JWT, account) is dropped by not being named here, in any spelling.
type connect struct {
	Verbose      bool   `json:"verbose"`
	Pedantic     bool   `json:"pedantic"`
	Echo         bool   `json:"echo"`
	Headers      bool   `json:"headers"`
	NoResponders bool   `json:"no_responders"`
	Protocol     int    `json:"protocol"`
	Name         string `json:"name"`
	Lang         string `json:"lang"`
	Version      string `json:"version"`

	// Proof of a reader; never passed on.
	nkey, sig string
}

var errNotConnect = errors.New("a client must begin with CONNECT")

// parseConnect reads the first line of a client.
func parseConnect(line []byte) (connect, error) {
	verb, body, ok := bytes.Cut(line, []byte(" "))
	if !ok || !strings.EqualFold(string(verb), "CONNECT") {
		return connect{}, fmt.Errorf("%w, not %.20q", errNotConnect, line)
	}
	c := struct {
		connect
		Nkey string `json:"nkey"`
		Sig  string `json:"sig"`
	}{connect: connect{Echo: true}}
	if err := json.Unmarshal(body, &c); err != nil {
		return connect{}, fmt.Errorf("cannot decode CONNECT: %w", err)
	}
	c.nkey, c.sig = c.Nkey, c.Sig
	c.Name, c.Lang, c.Version = brief(c.Name, 64), brief(c.Lang, 16), brief(c.Version, 32)
	return c.connect, nil
}

// brief keeps a client's texts from exceeding the server's limit on a control line, even when every byte is escaped.
func brief(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "?")
}

// line is the CONNECT that the server gets: the client's wishes with the bus's own login.
func (c connect) line(login access.Login) []byte {
	body, _ := json.Marshal(struct {
		connect
		User     string `json:"user"`
		Password string `json:"pass"`
	}{c, login.User, login.Password})
	return fmt.Appendf(nil, "CONNECT %s\r\n", body)
}

// readLine returns the next line without its end; the slice is valid until the next read.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("the first line is longer than %d bytes", maxLine)
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// enter logs a client in at the server and leaves the server's end just behind CONNECT.
func enter(server net.Conn, c connect, login access.Login, timeout time.Duration) error {
	if err := server.SetDeadline(time.Now().Add(timeout)); err != nil {
		return fmt.Errorf("cannot set a deadline: %w", err)
	}
	if _, err := greeting(server); err != nil {
		return err
	}
	if _, err := server.Write(c.line(login)); err != nil {
		return fmt.Errorf("cannot pass on CONNECT: %w", err)
	}
	return server.SetDeadline(time.Time{})
}

// greeting takes the server's INFO off the connection. The server says nothing more before it has its CONNECT.
func greeting(server net.Conn) (info, error) {
	line, err := readLine(bufio.NewReaderSize(server, maxLine))
	if err != nil {
		return info{}, fmt.Errorf("cannot read the server's INFO: %w", err)
	}
	return parseInfo(line)
}

// refusal is the line that turns a client away. A quote or line end in the reason would end the line early.
func refusal(reason string) []byte {
	reason = strings.Map(func(r rune) rune {
		if r < ' ' || r == '\'' || r == 0x7f {
			return '"'
		}
		return r
	}, reason)
	return fmt.Appendf(nil, "-ERR '%s'\r\n", reason)
}
