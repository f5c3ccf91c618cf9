package access

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/vedette-edr/vedette/proto/subject"
)

// Limits of a server that carries Vedette's traffic.
const (
	// MaxPayload admits a batch of 1 MiB with room for headers, in bytes.
	MaxPayload = 1<<20 + 64<<10
	// MaxStore bounds what JetStream may promise to its streams, in bytes. The alert stream has its own bound, far below;
	// one near it would keep a stream from being loaded whose bound has since been lowered.
	MaxStore = 1 << 40
	// maxPending holds several times what a collector keeps in flight (4 MiB): a resent window never closes the analyzer, and
	// a reader that lets this much pile up is closed. In bytes.
	maxPending = 16 << 20
	// writeDeadline closes a client that takes nothing for this long.
	writeDeadline = 4 * time.Second
	// maxSubscriptions is per connection.
	maxSubscriptions = 64
	maxControlLine   = 2 << 10
	pingInterval     = 30 * time.Second
)

// Server describes a server to configure.
type Server struct {
	// Host is the token of this host in subjects.
	Host   string
	Name   string
	Logins Logins
	// StoreDir is where JetStream keeps the alert stream.
	StoreDir       string
	MaxConnections int
	// Listen is the TLS address of a stock server, with the files of its certificate and key. Empty for the embedded
	// server, which does not listen.
	Listen           string
	Certificate, Key string
}

// WriteConfig writes the configuration file of a server: listener, limits, accounts, permissions.
func WriteConfig(w io.Writer, s Server) error {
	if err := subject.ValidHost(s.Host); err != nil {
		return err
	}
	accounts := accounts(s.Host, s.Logins)
	for _, a := range accounts {
		// nats-server reads an empty list as "everything".
		if len(a.Publish) == 0 || len(a.Subscribe) == 0 {
			return fmt.Errorf("BUG: account %s has an empty list of permissions", a.Name)
		}
		if a.User.Nkey == "" && a.User.Password == "" {
			return fmt.Errorf("account %s has a user without nkey and password", a.Name)
		}
	}
	err := configTemplate.Execute(w, map[string]any{
		"Server":           s,
		"Accounts":         accounts,
		"MaxPayload":       MaxPayload,
		"MaxStore":         MaxStore,
		"MaxPending":       maxPending,
		"MaxSubscriptions": maxSubscriptions,
		"MaxControlLine":   maxControlLine,
		"WriteDeadline":    writeDeadline,
		"PingInterval":     pingInterval,
		"ResponseTime":     responseTime,
	})
	if err != nil {
		return fmt.Errorf("cannot write the server configuration: %w", err)
	}
	return nil
}

var configTemplate = template.Must(template.New("nats-server").Funcs(template.FuncMap{
	"quote": quote,
	"list":  list,
}).Parse(`# nats-server configuration for the Vedette bus of host {{.Server.Host}}.
server_name: {{quote .Server.Name}}
{{- if .Server.Listen}}
listen: {{quote .Server.Listen}}
tls {
  cert_file: {{quote .Server.Certificate}}
  key_file: {{quote .Server.Key}}
  timeout: 2
}
{{- end}}
max_connections: {{.Server.MaxConnections}}
max_payload: {{.MaxPayload}}
max_pending: {{.MaxPending}}
max_subscriptions: {{.MaxSubscriptions}}
max_control_line: {{.MaxControlLine}}
write_deadline: "{{.WriteDeadline}}"
ping_interval: "{{.PingInterval}}"
authorization { timeout: 2 }
jetstream {
  store_dir: {{quote .Server.StoreDir}}
  max_memory_store: 1048576
  max_file_store: {{.MaxStore}}
}
accounts {
{{- range .Accounts}}
  {{.Name}} {
    {{- if .JetStream}}
    jetstream: enabled
    {{- end}}
    users: [{
      {{- if .User.Nkey}}
      nkey: {{quote .User.Nkey}}
      {{- else}}
      user: {{quote .User.User}}, password: {{quote .User.Password}}
      {{- end}}
      permissions {
        publish { allow: {{list .Publish}} }
        subscribe { allow: {{list .Subscribe}} }
        {{- if .Respond}}
        allow_responses { max: 1, expires: "{{$.ResponseTime}}" }
        {{- end}}
      }
    }]
    {{- with .Exports}}
    exports: [
      {{- range .}}
      { {{.Kind}}: {{quote .Subject}}, accounts: {{list .To}}{{if .Many}}, response_type: "stream"{{end}} }
      {{- end}}
    ]
    {{- end}}
    {{- with .Imports}}
    imports: [
      {{- range .}}
      { {{.Kind}}: { account: {{.From}}, subject: {{quote .Subject}} }{{with .As}}, to: {{quote .}}{{end}} }
      {{- end}}
    ]
    {{- end}}
    {{- range .Imports}}{{if .As}}
    mappings: { {{quote .Subject}}: {{quote .As}} }
    {{- end}}{{end}}
  }
{{- end}}
}
`))

// quote writes a string as nats-server reads it back; strconv.Quote's \u escapes mean nothing to it, but paths and names
// that need them are refused by the caller's checks.
func quote(s string) string { return strconv.Quote(s) }

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
