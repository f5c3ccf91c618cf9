// Package machine describes the host that the analyzer runs on, for the host part of alerts.
package machine

import (
	"bufio"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/proto/ecs"
)

// OSReleaseFiles are where distributions describe themselves, in the order of os-release(5).
func OSReleaseFiles() []string { return []string{"/etc/os-release", "/usr/lib/os-release"} }

// Describe gives the host part of alerts: id and name as handed in, the rest from uname(2) and the first of the files that
// can be read. What cannot be found out stays empty.
func Describe(id, name string, osRelease []string) ecs.Host {
	system := ecs.OS{Type: "linux"}
	host := ecs.Host{ID: id, Name: name, Hostname: name, OS: &system}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err == nil {
		system.Kernel = unix.ByteSliceToString(uts.Release[:])
		host.Architecture = unix.ByteSliceToString(uts.Machine[:])
	}
	for _, path := range osRelease {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		values := parse(io.LimitReader(file, maxFile))
		_ = file.Close()
		system.Platform, system.Name, system.Version = values["ID"], values["NAME"], values["VERSION_ID"]
		system.Full = values["PRETTY_NAME"]
		break
	}
	return host
}

const (
	maxFile  = 64 << 10
	maxValue = 256
)

// parse reads the lines NAME=value of os-release(5), with the quotes that a shell would take away.
func parse(r io.Reader) map[string]string {
	values := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value = unquote(value)
		if len(value) > maxValue {
			value = value[:maxValue]
		}
		values[name] = ecs.Text(value)
	}
	return values
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	inner := s[1 : len(s)-1]
	if s[0] == '\'' {
		return inner
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(inner)
}
